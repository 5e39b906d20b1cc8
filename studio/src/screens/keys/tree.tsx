// The tree of keys by colons. A level is read when it is opened; it is complete, however many keys there are.

import { useEffect, useState } from "preact/hooks";
import { call } from "../../api";
import { Failure, Spinner } from "../../parts/basics";
import { at } from "../../state";
import { community, filter, isNew, selected } from "./model";

interface Node {
	key: string;
	isBranch: boolean;
}

export function Tree({ chosen }: { chosen: () => void }) {
	return (
		<div class="tree" role="tree" aria-label="Keys by their parts" onKeyDown={move}>
			<button
				type="button"
				class="node"
				role="treeitem"
				aria-level={1}
				aria-selected={filter.value === ""}
				onClick={() => {
					filter.value = "";
					chosen();
				}}
			>
				<span class="twist" />
				All keys
			</button>
			<Level key={`${at.value}\0${community.value}`} prefix="" depth={0} chosen={chosen} />
		</div>
	);
}

/** Moves between the nodes that are shown, as in every tree. */
function move(event: KeyboardEvent) {
	const nodes = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".node")];
	const here = nodes.indexOf(document.activeElement as HTMLElement);
	const node = nodes[here];
	if (node === undefined) return;
	const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: nodes.length - 1 }[event.key];
	if (to !== undefined) nodes[to]?.focus();
	else if (event.key === "ArrowRight" && node.ariaExpanded === "false") node.dispatchEvent(new Event("toggle"));
	else if (event.key === "ArrowLeft" && node.ariaExpanded === "true") node.dispatchEvent(new Event("toggle"));
	else return;
	event.preventDefault();
}

interface LevelProps {
	prefix: string;
	depth: number;
	chosen: () => void;
}

function Level({ prefix, depth, chosen }: LevelProps) {
	const [nodes, setNodes] = useState<Node[]>([]);
	const [after, setAfter] = useState<string>();
	const [state, setState] = useState<{ isLoading: boolean; error?: unknown }>({ isLoading: true });
	const load = async (from: string | undefined, signal?: AbortSignal) => {
		setState({ isLoading: true });
		try {
			const input = { moment: at.value, community: community.value, prefix, after: from };
			const found = await call("keys/level", input, signal);
			setNodes((before) => (from === undefined ? found.nodes : [...before, ...found.nodes]));
			setAfter(found.after);
			setState({ isLoading: false });
		} catch (error) {
			if (!signal?.aborted) setState({ isLoading: false, error });
		}
	};
	useEffect(() => {
		const controller = new AbortController();
		void load(undefined, controller.signal);
		return () => controller.abort();
	}, []);
	return (
		<div role="group">
			{nodes.map((node) =>
				node.isBranch ? (
					<Branch key={node.key} node={node} prefix={prefix} depth={depth} chosen={chosen} />
				) : (
					<button
						type="button"
						class="node leaf"
						role="treeitem"
						key={`=${node.key}`}
						aria-level={depth + 1}
						aria-selected={selected.value === node.key}
						style={{ paddingLeft: `${8 + depth * 14}px` }}
						onClick={() => {
							isNew.value = false;
							selected.value = node.key;
							chosen();
						}}
					>
						<span class="twist" />
						<span class="cut">{node.key.slice(prefix.length) || "(empty)"}</span>
					</button>
				),
			)}
			{state.isLoading && (
				<div class="node">
					<Spinner />
				</div>
			)}
			{state.error !== undefined && <Failure error={state.error} retry={() => void load(after)} />}
			{after !== undefined && !state.isLoading && (
				<button
					type="button"
					class="node muted"
					role="treeitem"
					aria-selected={false}
					style={{ paddingLeft: `${24 + depth * 14}px` }}
					onClick={() => void load(after)}
				>
					Show more
				</button>
			)}
		</div>
	);
}

function Branch({ node, prefix, depth, chosen }: LevelProps & { node: Node }) {
	const [isOpen, setOpen] = useState(false);
	return (
		<>
			<button
				type="button"
				class="node"
				role="treeitem"
				aria-level={depth + 1}
				aria-expanded={isOpen}
				aria-selected={filter.value === node.key}
				style={{ paddingLeft: `${8 + depth * 14}px` }}
				ref={(element) => {
					if (element) element.ontoggle = () => setOpen((open) => !open);
				}}
				onClick={() => {
					setOpen((open) => !open || filter.value !== node.key);
					filter.value = node.key;
					chosen();
				}}
			>
				<span class="twist" aria-hidden="true">
					{isOpen ? "▾" : "▸"}
				</span>
				<span class="cut">{node.key.slice(prefix.length)}</span>
			</button>
			{isOpen && <Level prefix={node.key} depth={depth + 1} chosen={() => {}} />}
		</>
	);
}
