// Statements that have run, for this browser session alone: they may hold what nobody else should see.

import { signal } from "@preact/signals";

const NAME = "rootcellar-history";
const MAX = 100;
const LENGTH_MAX = 10_000;

const kept = signal<string[]>(JSON.parse(sessionStorage.getItem(NAME) ?? "[]"));

function keep(list: string[]): void {
	kept.value = list;
	sessionStorage.setItem(NAME, JSON.stringify(list));
}

export const history = {
	list: () => kept.value,
	add(sql: string): void {
		if (sql.length > LENGTH_MAX) return;
		keep([sql, ...kept.value.filter((one) => one !== sql)].slice(0, MAX));
	},
	clear: () => keep([]),
};
