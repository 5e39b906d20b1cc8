// The palette: everything by a few letters. Ctrl+K or Cmd+K opens it.

import { useState } from "preact/hooks";
import { community, filter, selected } from "../screens/keys/model";
import { go, SCREENS } from "../state";
import { Dialog } from "./basics";

interface Command {
	title: string;
	hint: string;
	run: () => void;
}

function commandsOf(text: string): Command[] {
	const query = text.trim().toLowerCase();
	const screens = SCREENS.map(({ id, title }) => ({ title, hint: "Screen", run: () => go(id) }));
	const themes = ["System", "Light", "Dark"].map((name) => ({
		title: `${name} colours`,
		hint: "Appearance",
		run: () => setTheme(name.toLowerCase()),
	}));
	const known = [...screens, ...themes].filter(({ title }) => title.toLowerCase().includes(query));
	if (text === "") return known;
	const keys = [
		{
			title: `Keys that begin with ${text}`,
			hint: "Filter",
			run: () => {
				filter.value = text;
				go("keys");
			},
		},
		{
			title: `Open the key ${text}`,
			hint: community.value || "Default scope",
			run: () => {
				selected.value = text;
				go("keys");
			},
		},
	];
	return [...known, ...keys];
}

export function setTheme(name: string): void {
	if (name === "system") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = name;
	localStorage.setItem("rootcellar-theme", name);
}

export function Palette({ close }: { close: () => void }) {
	const [text, setText] = useState("");
	const [at, setAt] = useState(0);
	const commands = commandsOf(text);
	const run = (command: Command | undefined) => {
		close();
		command?.run();
	};
	const press = (event: KeyboardEvent) => {
		if (event.key === "ArrowDown") setAt(Math.min(at + 1, commands.length - 1));
		else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
		else if (event.key === "Enter") run(commands[at]);
		else return;
		event.preventDefault();
	};
	return (
		<Dialog title="Go to" close={close} className="palette">
			<div class="content">
				<input
					class="field"
					role="combobox"
					aria-label="Go to"
					aria-expanded="true"
					aria-controls="commands"
					aria-activedescendant={`command-${at}`}
					placeholder="A screen, or a key"
					value={text}
					onKeyDown={press}
					onInput={(event) => {
						setText(event.currentTarget.value);
						setAt(0);
					}}
				/>
				<ul id="commands" role="listbox" aria-label="What there is">
					{commands.map((command, index) => (
						<li
							key={command.title}
							id={`command-${index}`}
							role="option"
							aria-selected={index === at}
							onClick={() => run(command)}
							onKeyDown={() => {}}
						>
							<span class="grow cut">{command.title}</span>
							<span class="muted">{command.hint}</span>
						</li>
					))}
				</ul>
			</div>
		</Dialog>
	);
}
