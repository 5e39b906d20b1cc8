import { signal } from "@preact/signals";
import { call } from "../../api";
import { at } from "../../state";

export interface Column {
	name: string;
	type: string;
	notNull: boolean;
	default: string | null;
	pk: number;
	isGenerated: boolean;
}

export interface Table {
	name: string;
	kind: "table" | "view" | "virtual";
	sql: string;
	isOwn: boolean;
	rowid: string | undefined;
	columns: Column[];
	indexes: { name: string; isUnique: boolean; columns: (string | null)[]; sql: string | null }[];
}

export const tables = signal<Table[] | undefined>(undefined);

export async function loadTables(abort?: AbortSignal): Promise<void> {
	const found = await call<{ tables: Table[] }>("schema", { moment: at.value }, abort);
	tables.value = found.tables;
}
