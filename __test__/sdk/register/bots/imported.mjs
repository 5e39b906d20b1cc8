import "rootcellar/register";
import sdk from "@rootsdk/server-bot";
import visit from "./visit.cjs";

await visit(sdk);
