"use strict";

const sdk = require("@rootsdk/server-bot");
const visit = require("./visit.cjs");

visit(sdk);
