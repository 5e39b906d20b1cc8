#!/usr/bin/env node
"use strict";

const { main } = require("../lib/cli/program.js");

main(process.argv);
