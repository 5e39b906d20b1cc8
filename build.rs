//! Builds the C part of the lock shim where the system has the locks for it, and tells the linker how a Node addon finds Node's own symbols.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(lock_shim)");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(target.as_str(), "linux" | "android" | "macos" | "ios") {
        const SHIM: &str = "src/engine/sqlite/locks/fcntl.c";
        println!("cargo::rustc-cfg=lock_shim");
        println!("cargo::rerun-if-changed={SHIM}");
        cc::Build::new().file(SHIM).warnings_into_errors(true).compile("rootcellar_locks");
    }
    if target == "linux" || target == "android" {
        // For SQLite's mathematical functions.
        println!("cargo::rustc-link-lib=m");
    }
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}
