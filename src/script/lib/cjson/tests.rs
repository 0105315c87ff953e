//! `cjson`, by what Redis's library gives.

use crate::script::lib::tests::{check, run};

#[test]
fn values_are_encoded() {
    for (value, json) in [
        ("nil", "null"),
        ("cjson.null", "null"),
        ("true", "true"),
        ("{}", "{}"),
        ("{1, 'a', {}, {x = {1}}}", r#"[1,"a",{},{"x":[1]}]"#),
        ("{{}, {{}}}", "[{},[{}]]"),
        ("{1, nil, 3}", "[1,null,3]"),
        ("{[3] = 3}", "[null,null,3]"),
        ("{[2^40] = 1}", r#"{"1099511627776":1}"#),
        ("{[0] = 1}", r#"{"0":1}"#),
        ("{1, [0.5] = {}}", r#"{"1":1,"0.5":{}}"#),
        ("0.1 + 0.2", "0.3"),
        ("-0", "-0"),
        ("123456789012345", "1.2345678901234e+14"),
        ("-99999999999999", "-99999999999999"),
        ("1e100", "1e+100"),
        (
            "'\\127\\0\\1\\t\\n\\r\\b\\f/\\\\\"x'",
            r#""\u007f\u0000\u0001\t\n\r\b\f\/\\\"x""#,
        ),
        ("'\\255é'", "\"\u{fffd}é\""),
    ] {
        check(&format!("cjson.encode({value})"), json);
    }
}

#[test]
fn values_are_decoded() {
    for (json, value) in [
        ("[]", "{}"),
        (" { } ", "{}"),
        ("[1,[2,{}],{\"a\":[null]}]", "[1,[2,{}],{\"a\":[null]}]"),
        ("{\"a\":1,\"a\":2}", "{\"a\":2}"),
        ("-0.5e-3", "-0.0005"),
        ("1.", "1"),
        ("-.5", "-0.5"),
        ("00012", "12"),
        ("0x1p4", "16"),
        ("-0xA.8", "-10.5"),
        ("1e400", "inf"),
        ("+infinity", "inf"),
        ("-nan(1_a)", "nan"),
        (r#""\u0041\ud834\udd1e\/\b""#, r#""A𝄞\/\b""#),
    ] {
        let script = format!(
            "(function()
              local j = cjson.new()
              j.encode_invalid_numbers(true)
              return j.encode(j.decode([=[{json}]=]))
            end)()"
        );
        check(&script, value);
    }
    check(
        "cjson.decode('null') == cjson.null, type(cjson.null)",
        "true userdata",
    );
    check("#cjson.decode('\"a\\\\u0000b\\1\"')", "4");
}

#[test]
fn what_is_no_json_is_told() {
    for (json, error) in [
        ("x", "Expected value but found invalid token at character 1"),
        ("", "Expected value but found T_END at character 1"),
        ("  ", "Expected value but found T_END at character 3"),
        ("[1,]", "Expected value but found T_ARR_END at character 4"),
        (
            "[1 2]",
            "Expected comma or array end but found T_NUMBER at character 4",
        ),
        (
            "{a}",
            "Expected object key string but found invalid token at character 2",
        ),
        (
            "{\"a\"}",
            "Expected colon but found T_OBJ_END at character 5",
        ),
        (
            "{\"a\":1",
            "Expected comma or object end but found T_END at character 7",
        ),
        (
            "{\"a\":1,}",
            "Expected object key string but found T_OBJ_END at character 8",
        ),
        (
            "1 true",
            "Expected the end but found T_BOOLEAN at character 3",
        ),
        (
            "\"abc",
            "Expected value but found unexpected end of string at character 5",
        ),
        (
            "\"a\\x\"",
            "Expected value but found invalid escape code at character 3",
        ),
        (
            "\"\\ud800x\"",
            "Expected value but found invalid unicode escape code at character 2",
        ),
        (
            "\"\\udc00\"",
            "Expected value but found invalid unicode escape code at character 2",
        ),
        (
            "\"\\u12",
            "Expected value but found invalid unicode escape code at character 2",
        ),
        (
            "-x",
            "Expected value but found invalid number at character 1",
        ),
        (
            "nulx",
            "Expected value but found invalid token at character 1",
        ),
    ] {
        check(&format!("cjson.decode([=[{json}]=])"), error);
    }
    let error = "JSON parser does not support UTF-16 or UTF-32";
    check("cjson.decode('1\\0')", error);
    check("cjson.decode('12\\0 ignored')", "12");
}

#[test]
fn what_is_no_value_is_told() {
    for (call, error) in [
        (
            "encode()",
            "bad argument #1 to 'encode' (expected 1 argument)",
        ),
        (
            "decode(1, 2)",
            "bad argument #1 to 'decode' (expected 1 argument)",
        ),
        (
            "decode({})",
            "bad argument #1 to 'decode' (string expected, got table)",
        ),
        (
            "encode(1/0)",
            "Cannot serialise number: must not be NaN or Inf",
        ),
        (
            "encode({0/0})",
            "Cannot serialise number: must not be NaN or Inf",
        ),
        (
            "encode(tostring)",
            "Cannot serialise function: type not supported",
        ),
        (
            "encode({[true] = 1})",
            "Cannot serialise boolean: table key must be a number or string",
        ),
        (
            "encode({[11] = 1})",
            "Cannot serialise table: excessively sparse array",
        ),
    ] {
        check(&format!("cjson.{call}"), error);
    }
    check(
        "pcall(cjson.encode)",
        "false bad argument #1 to '?' (expected 1 argument)",
    );
}

#[test]
fn options() {
    check("cjson.encode_sparse_array()", "false 2 10");
    check("cjson.encode_sparse_array(true, 3, 20)", "true 3 20");
    check(
        "cjson.encode_sparse_array('on') and cjson.encode({[11] = 1})",
        r#"{"11":1}"#,
    );
    check(
        "cjson.encode_max_depth(), cjson.decode_max_depth(5)",
        "1000 5",
    );
    check(
        "cjson.encode_number_precision(3) and cjson.encode(1234.5)",
        "1.23e+03",
    );
    check(
        "cjson.encode_keep_buffer(), cjson.encode_keep_buffer(false)",
        "true false",
    );
    check(
        "cjson.encode_keep_buffer('off') or cjson.encode({1}) .. cjson.encode({2})",
        "[1][2]",
    );
    check(
        "cjson.encode_invalid_numbers('null'), cjson.encode({1/0, 0/0})",
        "null [null,null]",
    );
    check(
        "cjson.encode_invalid_numbers(true), cjson.encode({1/0, -1/0, 0/0})",
        "true [inf,-inf,nan]",
    );
    for number in ["+1", "01", "0x1", "inf", "-nan"] {
        let shown = run(&format!(
            "cjson.decode_invalid_numbers(false), cjson.decode('{number}')"
        ));
        assert!(
            shown.contains("Expected value but found invalid "),
            "{shown}"
        );
    }
    check(
        "cjson.decode_invalid_numbers(false), cjson.decode('-0.5')",
        "false -0.5",
    );
    for (call, error) in [
        (
            "encode_number_precision(15)",
            "bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)",
        ),
        (
            "encode_sparse_array(true, -1)",
            "bad argument #1 to 'encode_sparse_array' (expected integer between 0 and 2147483647)",
        ),
        (
            "encode_max_depth('x')",
            "bad argument #1 to 'encode_max_depth' (number expected, got string)",
        ),
        (
            "encode_max_depth(1, 2)",
            "bad argument #2 to 'encode_max_depth' (found too many arguments)",
        ),
        (
            "encode_invalid_numbers('x')",
            "bad argument #1 to 'encode_invalid_numbers' (invalid option 'x')",
        ),
    ] {
        check(&format!("cjson.{call}"), error);
    }
}

#[test]
fn each_library_has_options_of_its_own() {
    let script = "(function()
      local other = cjson.new()
      other.encode_number_precision(2)
      return other.encode(1.234) .. cjson.encode(1.234), other._NAME, other.null == cjson.null
    end)()";
    check(script, "1.21.234 cjson true");
}

#[test]
fn there_may_be_many_libraries() {
    let script = "(function()
      local all = {}
      for i = 1, 300 do
        all[i] = cjson.new()
      end
      -- Values that are kept, not references to them.
      local many = {}
      for i = 1, 9000 do many[i] = {i .. ''} end
      return #all[300].decode(all[1].encode(many))
    end)()";
    check(script, "9000");
}

#[test]
fn nests_are_bounded() {
    let error = "Cannot serialise, excessive nesting (1001)";
    check(
        "(function() local t = {} t[1] = t return cjson.encode(t) end)()",
        error,
    );
    check(
        "(function() local t = {} t.x = t return cjson.encode(t) end)()",
        error,
    );
    let error = "Found too many nested data structures (1001) at character 1001";
    check("cjson.decode(('['):rep(100000))", error);
    check(
        "#cjson.encode(cjson.decode(('['):rep(1000) .. (']'):rep(1000)))",
        "2000",
    );
    // Beyond what the options allow by themselves: as deep as the stack is for.
    for (begin, end, most, refused) in [("[", "]", 5997, 5999), (r#"{"a":"#, "}", 2999, 3000)] {
        let script = format!(
            "(function()
              local j = cjson.new()
              j.decode_max_depth(2^31 - 1)
              j.encode_max_depth(2^31 - 1)
              local function nest(depth)
                return ('{begin}'):rep(depth) .. '1' .. ('{end}'):rep(depth)
              end
              assert(j.encode(j.decode(nest({most}))) == nest({most}))
              return select(2, pcall(j.decode, nest({refused}))):match('(.*) at')
            end)()"
        );
        let error = format!("Found too many nested data structures ({refused})");
        check(&script, &error);
    }
}

#[test]
fn memory_is_bounded() {
    for script in [
        // Twice as much with each table.
        "(function()
          local t = {('x'):rep(1000)}
          for _ = 1, 900 do t = {t, t} end
          return cjson.encode(t)
        end)()",
        "(function()
          local t = {x = ('x'):rep(100000)}
          for i = 1, 100 do t[i] = t.x end
          return cjson.encode(t)
        end)()",
        "cjson.encode_sparse_array(false, 0), cjson.encode({[2^31 - 1] = 1})",
        // Three bytes become a table.
        "#cjson.decode('[' .. ('{},'):rep(2^16) .. '1]')",
    ] {
        check(script, "not enough memory");
    }
}
