"use strict";

require("rootcellar/register");
const sdk = require("@rootsdk/server-bot");
const visit = require("./visit.cjs");

visit(sdk);
