// A new key. It is stored only if there is none of that name.

import { useRef, useState } from "preact/hooks";
import { ApiError, call } from "../../api";
import { Failure } from "../../parts/basics";
import type { Code } from "../../parts/code";
import { Editor } from "../../parts/editor";
import { notify } from "../../state";
import { ExpiryFields, expiryOf, toTime } from "./expiry";
import * as model from "./model";

export function NewKey() {
	const code = useRef<Code | undefined>(undefined);
	const [name, setName] = useState(model.filter.value.includes("%") ? "" : model.filter.value);
	const [text, setText] = useState("");
	const [expiry, setExpiry] = useState(expiryOf(undefined));
	const [error, setError] = useState<unknown>();
	const expiresAt = toTime(expiry);

	const save = async () => {
		setError(undefined);
		try {
			const place = { community: model.community.value, key: name };
			await call("key/save", { ...place, value: text, version: null, expiresAt });
			notify("Saved.");
			model.isNew.value = false;
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
				<h2 class="grow">New key{model.community.value && ` of ${model.community.value}`}</h2>
				<button type="button" class="button plain small" onClick={() => (model.isNew.value = false)}>
					Cancel
				</button>
			</div>
			<div class="stack" style={{ padding: "12px" }}>
				<label class="label">
					Key
					<input class="field mono" value={name} onInput={(event) => setName(event.currentTarget.value)} />
				</label>
				<ExpiryFields value={expiry} change={setExpiry} />
				<span class="label">Value</span>
			</div>
			{error !== undefined && <Failure error={error} />}
			<Editor
				text=""
				language="json"
				label="Value as JSON"
				hint={'JSON, such as "hello", 42 or {"xp": 10}'}
				change={setText}
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
