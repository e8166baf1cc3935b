//! What must not compile: each case in `tests/permit` beside what the compiler says of it.
//! After a change of the compiler or of a signature: `TRYBUILD=overwrite cargo test -p
//! conclave-core --test it`, then read the difference.

#[test]
fn no_permission_check_can_be_skipped() {
    trybuild::TestCases::new().compile_fail("tests/permit/*.rs");
}
