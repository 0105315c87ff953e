//! `cmsgpack`, by what Redis's library gives.

use crate::script::lib::tests::{check, run};

#[test]
fn values_are_packed_as_short_as_they_can_be() {
    for (values, hex) in [
        ("nil, true, false, select", "c0c3c2c0"),
        (
            "0, 127, 128, 255, 256, 65535, 65536",
            "007fcc80ccffcd0100cdffffce00010000",
        ),
        (
            "2^32, -1, -32, -33, -128, -129",
            "cf0000000100000000ffe0d0dfd080d1ff7f",
        ),
        (
            "-2^15 - 1, -2^31, -2^31 - 1",
            "d2ffff7fffd280000000d3ffffffff7fffffff",
        ),
        (
            "-2^63, 2^63, 1e300",
            "d38000000000000000ca5f000000cb7e37e43c8800759c",
        ),
        (
            "0.5, 0.1, -0, math.huge",
            "ca3f000000cb3fb999999999999a00ca7f800000",
        ),
        ("'', 'ab', tostring", "a0a26162c0"),
        ("{}, {1, 2}, {[1] = 1, [3] = 3}", "909201028201010303"),
        ("{a = {true}}, {[0.5] = 1}", "81a16191c381ca3f00000001"),
    ] {
        check(&format!("(cmsgpack.pack({values}):gsub('.', hex))"), hex);
    }
    check(
        "#cmsgpack.pack(('x'):rep(31)), #cmsgpack.pack(('x'):rep(32))",
        "32 34",
    );
    check(
        "#cmsgpack.pack(('x'):rep(255)), #cmsgpack.pack(('x'):rep(256))",
        "257 259",
    );
    check("#cmsgpack.pack(('x'):rep(65536))", "65541");
}

#[test]
fn nests_are_cut() {
    let script = "(function() local t = {} t[1] = t return cmsgpack.pack(t):gsub('.', hex) end)()";
    check(script, &format!("{}c0 17", "91".repeat(16)));
}

#[test]
fn values_are_unpacked() {
    check(
        "cmsgpack.unpack('\\1\\255\\195\\192\\161a')",
        "1 -1 true nil a",
    );
    check(
        "cmsgpack.unpack('\\207\\255\\255\\255\\255\\255\\255\\255\\255')",
        "-1",
    );
    check("cmsgpack.unpack('')", "");
    let script = "cjson.encode(cmsgpack.unpack('\\147\\144\\129\\161a\\145\\1\\2'))";
    check(script, "[{},{\"a\":[1]},2]");
}

#[test]
fn some_are_unpacked_and_the_place_of_the_next_is_told() {
    check("cmsgpack.unpack_one('\\1\\2')", "1 1");
    check("cmsgpack.unpack_one('\\1\\2', 1)", "-1 2");
    check("cmsgpack.unpack_one('\\1\\2', 2)", "-1");
    check("cmsgpack.unpack_limit('\\1\\2\\3', 2)", "2 1 2");
    check("cmsgpack.unpack_limit('\\1\\2\\3', 0)", "1 2 3");
    check("cmsgpack.unpack_limit('\\1\\2\\3', 0, 1)", "1");
}

#[test]
fn what_is_wrong_is_told() {
    for (call, error) in [
        (
            "pack()",
            "bad argument #0 to 'pack' (MessagePack pack needs input.)",
        ),
        (
            "unpack({})",
            "bad argument #1 to 'unpack' (string expected, got table)",
        ),
        ("unpack('\\145')", "Missing bytes in input."),
        (
            "unpack('\\221\\255\\255\\255\\255\\1')",
            "Missing bytes in input.",
        ),
        (
            "unpack('\\219\\255\\255\\255\\255a')",
            "Missing bytes in input.",
        ),
        ("unpack('\\193')", "Bad data format in input."),
        ("unpack('\\129\\192\\1')", "table index is nil"),
        (
            "unpack('\\129\\203\\127\\248\\0\\0\\0\\0\\0\\1\\1')",
            "table index is NaN",
        ),
        (
            "unpack_one('\\1\\2', -1)",
            "Invalid request to unpack with offset of -1 and limit of 2.",
        ),
        (
            "unpack_one('\\1\\2', 3)",
            "Start offset 3 greater than input length 2.",
        ),
    ] {
        check(&format!("cmsgpack.{call}"), error);
    }
}

#[test]
fn nests_and_results_are_bounded() {
    let too_many = "stack overflow (too many return values at once; use unpack_one or unpack_limit \
                    instead.)";
    check("cmsgpack.unpack(('\\1'):rep(9000))", too_many);
    check("cmsgpack.unpack(('\\129\\1'):rep(9000))", too_many);
    check(
        "cmsgpack.unpack(('\\145'):rep(9000))",
        "stack overflow (in function mp_decode_to_lua_array)",
    );
    check("select('#', cmsgpack.unpack(('\\161a'):rep(5999)))", "5999");
    check(
        "type(cmsgpack.unpack(('\\145'):rep(2990) .. '\\1'))",
        "table",
    );
}

#[test]
fn memory_is_bounded() {
    // What is packed has no bound by itself: each table is packed 100 times.
    let nest = "(function()
      local t = {('x'):rep(1000)}
      for _ = 1, 15 do
        local u = {}
        for i = 1, 100 do u[i] = t end
        t = u
      end
      return cmsgpack.pack(t)
    end)()";
    assert_eq!(run(nest), "not enough memory");
    // A byte becomes a table.
    let tables = "#cmsgpack.unpack('\\221\\0\\1\\0\\0' .. ('\\144'):rep(2^16))";
    assert_eq!(run(tables), "not enough memory");
}
