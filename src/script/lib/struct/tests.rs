//! `struct`, by what Redis's library gives.

use crate::script::lib::tests::{MEMORY, check, run, run_in, sandbox};

#[test]
fn bytes_are_ordered_and_aligned() {
    for (call, hex) in [
        ("'i', 1", "01000000"),
        ("'>i', 1", "00000001"),
        ("'>i3<I3', -2, 1", "fffffe010000"),
        ("'!4bi', 1, 2", "0100000002000000"),
        ("'!bd', 1, 0.5", "0100000000000000000000000000e03f"),
        ("'bxh', 1, 2", "01000200"),
        ("'s', 'ab'", "616200"),
        ("'c1c0', 'abc', 'de'", "616465"),
        ("'>f', 1.5", "3fc00000"),
        ("'i10', -1", "ffffffffffffffff0000"),
        ("'L', 2^64", "0000000000000000"),
        ("'L', 2^63", "0000000000000080"),
        ("'', 1", ""),
    ] {
        let script = format!("(struct.pack({call}):gsub('.', hex))");
        check(&script, hex);
    }
}

#[test]
fn what_was_packed_is_unpacked() {
    check("struct.unpack('>i3', '\\255\\255\\254')", "-2 4");
    check("struct.unpack('I2', '\\255\\255', 1)", "65535 3");
    check("struct.unpack('sBc0', 'ab\\0\\3defg')", "ab def 8");
    check(
        "struct.unpack('i9', '\\128\\0\\0\\0\\0\\0\\0\\0\\0')",
        "-128 10",
    );
    check("struct.unpack('d', struct.pack('d', 0.1))", "0.1 9");
    check("struct.unpack('', 'x', 10)", "10");
}

#[test]
fn sizes() {
    check("struct.size('!4 bi8 > d c7 T!16i16')", "64");
    check("struct.size('c2147483647c2147483647')", "4294967294");
    check("struct.size('z')", "0");
}

#[test]
fn what_is_wrong_is_told() {
    for (call, error) in [
        (
            "pack('i')",
            "bad argument #2 to 'pack' (number expected, got nil)",
        ),
        (
            "pack('s')",
            "bad argument #2 to 'pack' (string expected, got nil)",
        ),
        (
            "pack('z')",
            "bad argument #1 to 'pack' (invalid format option 'z')",
        ),
        (
            "pack('c5', 'abc')",
            "bad argument #3 to 'pack' (string too short)",
        ),
        (
            "pack('i33', 1)",
            "integral size 33 is larger than limit of 32",
        ),
        ("pack('i99999999999', 1)", "integral size overflow"),
        ("pack('!3i', 1)", "alignment 3 is not a power of 2"),
        (
            "unpack('i', 'abc')",
            "bad argument #2 to 'unpack' (data string too short)",
        ),
        (
            "unpack('bc0', '\\255a')",
            "bad argument #2 to 'unpack' (data string too short)",
        ),
        (
            "unpack('i', 'abcd', 0)",
            "bad argument #3 to 'unpack' (offset must be 1 or greater)",
        ),
        (
            "unpack('x', 'abcd', -1)",
            "bad argument #2 to 'unpack' (data string too short)",
        ),
        ("unpack('c0', 'abcd')", "format 'c0' needs a previous size"),
        ("unpack('s', 'abcd')", "unfinished string in data"),
        (
            "size('s')",
            "bad argument #1 to 'size' (option 's' has no fixed size)",
        ),
        (
            "size('c0')",
            "bad argument #1 to 'size' (option 'c0' has no fixed size)",
        ),
        (
            "size('#')",
            "bad argument #1 to 'size' (invalid format option '#')",
        ),
    ] {
        check(&format!("struct.{call}"), error);
    }
}

#[test]
fn results_are_bounded() {
    let script = "struct.unpack(('B'):rep(9000), ('a'):rep(9000))";
    check(script, "stack overflow (too many results)");
    let script = "select('#', struct.unpack(('s'):rep(5000), ('\\0'):rep(5000)))";
    assert_eq!(run(script), "5001");
}

#[test]
fn small_results_are_bounded_together() {
    // The loop asks Lua for no memory.
    let script = "(function()
      local kept, text = {}, ('x'):rep(60000)
      for i = 1, 1000 do kept[i] = false end
      for i = 1, 1000 do kept[i] = struct.pack('ic0', i, text) end
    end)()";
    let sandbox = sandbox();
    assert_eq!(run_in(&sandbox, script), "not enough memory");
    let used = sandbox.lua.used_memory();
    assert!(used < MEMORY + 128 * 1024, "{used} bytes");
}
