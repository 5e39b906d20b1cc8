// Every operation of a key-value store, for errors that each has to have.

import { SECRET } from "../helpers/errors.mjs";

/** Every operation, each with a value that no message may show. */
export const operations = (appData) => [
	() => appData.set({ key: "k", value: SECRET }),
	() => appData.set([{ key: "k", value: SECRET }]),
	() => appData.update("k", () => SECRET, SECRET),
	() => appData.delete("k"),
	() => appData.deleteLike("%"),
	() => appData.get("k"),
	() => appData.select("%"),
	() => appData.selectValue("%"),
];
