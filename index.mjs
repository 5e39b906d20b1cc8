import "./lib/process/bundled-require.mjs";
import rootcellar from "./index.js";

export const { dataStore, openDataStore, rootServer, RootcellarError } = rootcellar;
export default rootcellar;
