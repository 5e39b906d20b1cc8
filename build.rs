//! Tells the linker how a Node addon finds Node's own symbols.

fn main() {
    if std::env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
}
