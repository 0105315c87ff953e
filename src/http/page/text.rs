//! Numbers, times and names as the page writes them, and text as HTML.
//!
//! Layer `http`.
//!
//! `assets/format.js` writes them in the same way.

use std::fmt::Write;

use serde_json::Value;

/// Text that may come from anybody, as HTML: in an element or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // HTML has no such character.
            '\0' => html.push('\u{fffd}'),
            letter => html.push(letter),
        }
    }
    html
}

/// A name or an argument: text, or `base64:` and what is not UTF-8.
pub(super) fn name(value: &Value) -> String {
    match (value.as_str(), value["base64"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(base64)) => format!("base64:{base64}"),
        (None, None) => String::new(),
    }
}

/// A whole number: `12,431` below a million, then `1.24 M`.
pub(super) fn count(value: &Value) -> String {
    let number = number(value);
    if number >= 1e6 {
        let (unit, name) = if number < 1e9 { (1e6, "M") } else { (1e9, "G") };
        let shown = number / unit;
        let decimals = match shown {
            shown if shown < 9.995 => 2,
            shown if shown < 99.95 => 1,
            _ => 0,
        };
        return format!("{shown:.decimals$} {name}");
    }
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes in powers of 1024.
pub(super) fn bytes(value: &Value) -> String {
    let mut size = number(value);
    if size < 1024.0 {
        return format!("{size:.0} B");
    }
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if size < 1023.5 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    let decimals = usize::from(size < 99.95);
    format!("{size:.decimals$} {unit}")
}

/// A duration in its two largest units: `4d 3h`, `12m 5s`, `3.2 s`.
pub(super) fn seconds(value: &Value) -> String {
    let time = number(value);
    if time < 9.95 {
        let text = format!("{time:.1}");
        return format!("{} s", text.trim_end_matches(".0"));
    }
    let all = time as u64;
    let mut text = String::new();
    let written = match all {
        0..60 => write!(text, "{all} s"),
        60..3600 => write!(text, "{}m {}s", all / 60, all % 60),
        3600..86_400 => write!(text, "{}h {}m", all / 3600, all / 60 % 60),
        _ => write!(text, "{}d {}h", all / 86_400, all / 3600 % 24),
    };
    written.expect("a string takes everything");
    text
}

/// A duration that is given in microseconds.
pub(super) fn microseconds(value: &Value) -> String {
    let time = number(value);
    match time {
        time if time < 1e3 => format!("{time:.0} µs"),
        time if time < 1e6 => format!("{:.1} ms", time / 1e3),
        time => seconds(&(time / 1e6).into()),
    }
}

/// What `format` makes of a value that may be unknown.
pub(super) fn or_dash(value: &Value, format: fn(&Value) -> String) -> String {
    if value.is_null() {
        return "–".to_owned();
    }
    format(value)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default().max(0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_in_text_is_read_as_html() {
        assert_eq!(
            escape("<img src='x' onerror=\"a&b\">\0"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;\u{fffd}"
        );
        assert_eq!(escape("Grüße, 世界"), "Grüße, 世界");
    }

    #[test]
    fn names_that_are_not_text_are_marked() {
        assert_eq!(name(&json!("orders")), "orders");
        assert_eq!(name(&json!({"base64": "gIGC"})), "base64:gIGC");
        assert_eq!(name(&Value::Null), "");
    }

    #[test]
    fn numbers_are_short() {
        let counts = [
            (json!(0), "0"),
            (json!(999), "999"),
            (json!(12_431), "12,431"),
            (json!(999_999), "999,999"),
            (json!(1_240_000), "1.24 M"),
            (json!(12_400_000), "12.4 M"),
            (json!(124_000_000), "124 M"),
            (json!(9_930_000_000_u64), "9.93 G"),
        ];
        for (value, text) in counts {
            assert_eq!(count(&value), text);
        }
        let sizes = [
            (json!(0), "0 B"),
            (json!(1023), "1023 B"),
            (json!(1024), "1.0 KiB"),
            (json!(1_048_570), "1.0 MiB"),
            (json!(400_000_000), "381 MiB"),
            (json!(1_u64 << 60), "1024 PiB"),
        ];
        for (value, text) in sizes {
            assert_eq!(bytes(&value), text);
        }
    }

    #[test]
    fn durations_have_two_units() {
        let durations = [
            (json!(0), "0 s"),
            (json!(3.24), "3.2 s"),
            (json!(9.96), "9 s"),
            (json!(59.9), "59 s"),
            (json!(725), "12m 5s"),
            (json!(3_600), "1h 0m"),
            (json!(356_400), "4d 3h"),
        ];
        for (value, text) in durations {
            assert_eq!(seconds(&value), text);
        }
        assert_eq!(microseconds(&json!(950)), "950 µs");
        assert_eq!(microseconds(&json!(48_213)), "48.2 ms");
        assert_eq!(microseconds(&json!(2_500_000)), "2.5 s");
        assert_eq!(or_dash(&Value::Null, seconds), "–");
        assert_eq!(or_dash(&json!(1), seconds), "1 s");
    }
}
