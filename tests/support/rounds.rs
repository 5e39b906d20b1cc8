//! Numbers of rounds of a test that repeats something at random: a few in `npm test`, many in `npm run test:all`, and more for
//! long in `npm run test:long`.

/// The number for this run.
pub fn rounds<T>(few: T, many: T, long: T) -> T {
    match std::env::var("ROOTCELLAR_TEST_ROUNDS").as_deref() {
        Err(_) | Ok("few") => few,
        Ok("many") => many,
        Ok("long") => long,
        Ok(other) => panic!("ROOTCELLAR_TEST_ROUNDS is {other}, and has to be few, many or long"),
    }
}
