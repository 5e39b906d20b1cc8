// A new key. It is stored only if there is none of that name.

import { useRef, useState } from "preact/hooks";
import { ApiError, call } from "../../api";
import { Failure } from "../../parts/basics";
import type { Code } from "../../parts/code";
import { draftsOf } from "../../parts/drafts";
import { Editor } from "../../parts/editor";
import { notify } from "../../state";
import { type Expiry, ExpiryFields, expiryOf, toTime } from "./expiry";
import * as model from "./model";

interface Draft {
	name: string;
	text: string;
	expiry: Expiry;
}

const drafts = draftsOf<Draft>("new key");

export function NewKey() {
	const code = useRef<Code | undefined>(undefined);
	const community = model.community.value;
	const [draft, setDraft] = useState<Draft>(
		() =>
			drafts.take(community) ?? {
				name: model.filter.value.includes("%") ? "" : model.filter.value,
				text: "",
				expiry: expiryOf(undefined),
			},
	);
	const latest = useRef(draft);
	const put = (part: Partial<Draft>) => {
		latest.current = { ...latest.current, ...part };
		drafts.keep(community, latest.current);
		setDraft(latest.current);
	};
	const leave = () => {
		drafts.drop(community);
		model.isNew.value = false;
	};
	const [error, setError] = useState<unknown>();
	const { name, expiry } = draft;
	const expiresAt = toTime(expiry);

	const save = async () => {
		setError(undefined);
		try {
			await call("key/save", { community, key: name, value: latest.current.text, version: null, expiresAt });
			notify("Saved.");
			leave();
			model.selected.value = name;
			await model.reload();
		} catch (problem) {
			if (problem instanceof ApiError && problem.position !== undefined) {
				code.current?.markError(problem.position, problem.message);
			}
			setError(problem);
		}
	};
	return (
		<>
			<div class="head">
				<h2 class="grow">New key{community && ` of ${community}`}</h2>
				<button type="button" class="button plain small" onClick={leave}>
					Cancel
				</button>
			</div>
			<div class="stack" style={{ padding: "12px" }}>
				<label class="label">
					Key
					<input class="field mono" value={name} onInput={(event) => put({ name: event.currentTarget.value })} />
				</label>
				<ExpiryFields value={expiry} change={(changed) => put({ expiry: changed })} />
				<span class="label">Value</span>
			</div>
			{error !== undefined && <Failure error={error} />}
			<Editor
				text={draft.text}
				language="json"
				label="Value as JSON"
				hint={'JSON, such as "hello", 42 or {"xp": 10}'}
				change={(text) => put({ text })}
				submit={() => void save()}
				ready={(made) => {
					code.current = made;
				}}
			/>
			<div class="actions">
				<button type="button" class="button primary" disabled={expiresAt === undefined} onClick={() => void save()}>
					Save
				</button>
			</div>
		</>
	);
}
