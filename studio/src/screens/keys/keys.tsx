// The screen of keys: the tree, the list and the key that is open.

import { useEffect, useState } from "preact/hooks";
import { call, cancellable } from "../../api";
import { number } from "../../format";
import { Confirm, Spinner, useAnswer } from "../../parts/basics";
import { at, canWrite, notify, report } from "../../state";
import { Detail } from "./detail";
import { KeyList } from "./list";
import * as model from "./model";
import { NewKey } from "./new-key";
import { Tree } from "./tree";

export default function Keys() {
	const [isTreeOpen, setTreeOpen] = useState(false);
	const [isDeleting, setDeleting] = useState(false);
	const { community, filter, selected, isNew } = model;

	useEffect(() => {
		model.loadCommunities().catch(report);
	}, [at.value]);
	useEffect(() => {
		const timer = setTimeout(() => void model.reload(), filter.value === "" ? 0 : 150);
		return () => clearTimeout(timer);
	}, [at.value, community.value, filter.value]);
	useEffect(() => model.follow(), []);

	const isOpen = isNew.value || selected.value !== undefined;
	return (
		<div class={`panes ${isOpen ? "open" : ""} ${isTreeOpen ? "side-open" : ""}`}>
			<aside class="pane side">
				<div class="head">
					<button type="button" class="button small only-phone" onClick={() => setTreeOpen(false)}>
						Back
					</button>
					<CommunityPicker />
				</div>
				<div class="scroll">
					<Tree chosen={() => setTreeOpen(false)} />
				</div>
			</aside>
			<section class="pane list" aria-label="Keys">
				<div class="head">
					<button type="button" class="button only-phone" onClick={() => setTreeOpen(true)}>
						Tree
					</button>
					<input
						class="field grow"
						type="search"
						id="filter"
						aria-label="Filter keys"
						placeholder="Begins with..., or a pattern with %"
						value={filter.value}
						onInput={(event) => (filter.value = event.currentTarget.value)}
					/>
					{canWrite.value && (
						<button
							type="button"
							class="button primary"
							onClick={() => {
								selected.value = undefined;
								isNew.value = true;
							}}
						>
							New <span class="not-phone">key</span>
						</button>
					)}
				</div>
				<KeyList />
				<div class="foot">
					<Count />
					<span class="grow" />
					{canWrite.value && filter.value !== "" && model.rows.value.length > 0 && (
						<button type="button" class="button small danger" onClick={() => setDeleting(true)}>
							Delete these
						</button>
					)}
				</div>
			</section>
			{isOpen && (
				<section class="pane detail" aria-label="Key">
					{isNew.value ? (
						<NewKey />
					) : (
						<Detail key={JSON.stringify([at.value, community.value, selected.value])} name={selected.value ?? ""} />
					)}
				</section>
			)}
			{isDeleting && <DeleteAll close={() => setDeleting(false)} />}
		</div>
	);
}

function CommunityPicker() {
	const { communities, community, selected, isNew } = model;
	const list = communities.value.communities;
	return (
		<select
			class="field"
			aria-label="Community"
			value={community.value}
			onChange={(event) => {
				selected.value = undefined;
				isNew.value = false;
				community.value = event.currentTarget.value;
			}}
		>
			<option value="">Default scope</option>
			{list.map((id) => (
				<option key={id} value={id}>
					Community {id}
				</option>
			))}
			{!communities.value.isComplete && <option disabled>Only the first {number(list.length)} are listed</option>}
		</select>
	);
}

function Count() {
	const { count, isCounting } = model;
	if (isCounting.value) {
		return (
			<>
				<Spinner title="Counting" />
				<button type="button" class="button plain small" onClick={model.cancel}>
					Cancel
				</button>
			</>
		);
	}
	if (count.value === undefined) return <span>not counted</span>;
	const { count: found, isMore } = count.value;
	if (!isMore) return <span>{found === 1 ? "1 key" : `${number(found)} keys`}</span>;
	return (
		<>
			<span>{number(found)}+ keys</span>
			<button type="button" class="button plain small" onClick={() => void model.recount(true)}>
				Count all
			</button>
		</>
	);
}

function DeleteAll({ close }: { close: () => void }) {
	const place = { community: model.community.value, filter: model.filter.value };
	const { value, error, cancel } = useAnswer<{ count: number }>(
		(signal) => call("keys/count", { ...place, all: true }, signal),
		[],
	);
	return (
		<Confirm
			title="Delete all keys of this filter?"
			action={value === undefined ? "Counting" : `Delete ${number(value.count)}`}
			isDangerous
			isReady={value !== undefined && value.count > 0}
			close={() => {
				cancel();
				close();
			}}
			run={async (signal) => {
				const { deleted } = await cancellable(signal, (work) =>
					call("keys/delete", { ...place, expected: value?.count, work }),
				);
				model.selected.value = undefined;
				notify(`${number(deleted)} keys were deleted.`);
				await model.reload();
			}}
		>
			<p>
				{place.filter.includes("%") ? "Keys that match " : "Keys that begin with "}
				<code>{place.filter}</code>
				{place.community && ` of the community ${place.community}`}:{" "}
				<strong>{value === undefined ? "counting..." : number(value.count)}</strong>
			</p>
			{error !== undefined && <p class="danger">{(error as Error).message}</p>}
			<p class="muted">The backups still have them, for as long as backups are kept.</p>
		</Confirm>
	);
}
