//! Builds the C part of the lock shim, and tells the linker how a Node addon finds Node's own symbols.

fn main() {
    if std::env::var_os("CARGO_CFG_UNIX").is_some() {
        const SHIM: &str = "src/engine/sqlite/locks/fcntl.c";
        println!("cargo::rerun-if-changed={SHIM}");
        cc::Build::new().file(SHIM).warnings_into_errors(true).compile("rootcellar_locks");
    }
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}
