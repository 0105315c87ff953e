//! The verdict on one step: equal, allowed to differ, or different.

use std::fmt::Write;

use super::connection::{End, Observed};
use super::frame::{Frame, decode};
use super::lens::Lens;
use super::script::{Difference, Step};

/// What one connection got during a step.
pub type Seen = (String, Observed);

/// Describes how the connections' outputs differ; empty if they don't. A connection that only one server keeps blocked
/// has an output on the other alone. `fanfare` says that the other server is fanfare,
/// whose listed differences must then show.
pub fn compare(step: &Step, proto: u8, fanfare: bool, redis: &[Seen], other: &[Seen]) -> String {
    let mut report = String::new();
    for (name, left) in redis {
        let Some((_, right)) = other.iter().find(|(found, _)| found == name) else {
            let _ = writeln!(report, "  {name}: only redis, {}", show(left, &left.output));
            continue;
        };
        let acting = *name == step.connection;
        let lens = if acting {
            step.lens.clone()
        } else {
            step.lens.for_others()
        };
        let listed = step
            .differences
            .iter()
            .find(|listed| acting && listed.proto.is_none_or(|only| only == proto));
        let verdict = verdict(left, right, &lens, listed, fanfare);
        if let Some(verdict) = verdict {
            let (left_seen, right_seen) = (lens.look(&left.output), lens.look(&right.output));
            let (left, right) = (show(left, &left_seen), show(right, &right_seen));
            let _ = writeln!(
                report,
                "  {name}: {verdict}\n    redis {left}\n    other {right}"
            );
            if let Some((at, left, right)) = first_difference(&left_seen, &right_seen) {
                let _ = writeln!(
                    report,
                    "    first at reply {at}:\n      redis {}\n      other {}",
                    escape(&left),
                    escape(&right)
                );
            }
            if let Some(listed) = listed {
                let _ = writeln!(
                    report,
                    "    listed {}: {}",
                    escape(&listed.expected),
                    listed.reason
                );
            }
        }
    }
    for (name, right) in other {
        if !redis.iter().any(|(found, _)| found == name) {
            let _ = writeln!(
                report,
                "  {name}: only other, {}",
                show(right, &right.output)
            );
        }
    }
    report
}

fn verdict(
    left: &Observed,
    right: &Observed,
    lens: &Lens,
    listed: Option<&Difference>,
    fanfare: bool,
) -> Option<&'static str> {
    if left.end == End::TimedOut && right.end == End::TimedOut {
        return Some("neither server met the barrier");
    }
    let same = left.end == right.end && lens.look(&left.output) == lens.look(&right.output);
    match listed {
        Some(_) if same && fanfare => Some("the listed difference is gone, delete it"),
        Some(listed) if !same && (left.end != right.end || right.output != listed.expected) => {
            Some("differs, and not as listed")
        }
        None if !same => Some("differs"),
        _ => None,
    }
}

/// In the outputs of a pipeline: which reply is the first that differs, counted from 1, on either side.
fn first_difference(left: &[u8], right: &[u8]) -> Option<(usize, Vec<u8>, Vec<u8>)> {
    let (left, right) = (decode(left).ok()?, decode(right).ok()?);
    let wire = |frame: Option<&Frame>| {
        let mut wire = Vec::new();
        frame.inspect(|frame| frame.encode(&mut wire));
        wire
    };
    let length = left.len().max(right.len());
    let at = (0..length).find(|at| left.get(*at) != right.get(*at))?;
    (length > 1).then(|| (at + 1, wire(left.get(at)), wire(right.get(at))))
}

fn show(observed: &Observed, seen: &[u8]) -> String {
    let end = match &observed.end {
        End::Barrier(reply) => format!("then the barrier {}", escape(reply)),
        End::Closed => "then closed".into(),
        End::TimedOut => "then nothing more, not even the barrier".into(),
    };
    let mut shown = format!("{} {end}", escape(&observed.output));
    if seen != observed.output {
        let _ = write!(shown, "\n       as {}", escape(seen));
    }
    shown
}

/// At most 2,000 characters: a 64 KB payload is not worth reading.
fn escape(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    match text.get(..2000) {
        Some(head) => format!("\"{head}\"… ({} bytes)", bytes.len()),
        None => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    /// The report on a step of connection a, which Redis answers with `left` and the other server with `right`.
    fn report(step: &str, proto: u8, left: &str, right: &str) -> String {
        let step = parse("test", step).expect("a script").steps.remove(0);
        let seen = |output: &str| {
            let end = if output.is_empty() {
                End::Closed
            } else {
                End::Barrier(b"+B\r\n".to_vec())
            };
            vec![(
                "a".to_string(),
                Observed {
                    output: output.as_bytes().to_vec(),
                    end,
                },
            )]
        };
        compare(&step, proto, true, &seen(left), &seen(right))
    }

    #[test]
    fn any_byte_and_any_close_matters() {
        assert_eq!(report("a: X", 2, ":1\r\n", ":1\r\n"), "");
        assert!(report("a: X", 2, ":1\r\n", ":2\r\n").contains("differs"));
        assert!(report("a: X", 2, ":1\r\n", "").contains("then closed"));
        assert!(report("b: X", 2, ":1\r\n", ":2\r\n").contains("differs"));
        assert!(
            report("[ids] b: X", 2, ":1\r\n", ":2\r\n").contains("differs"),
            "views are the acting connection's"
        );
        assert_eq!(report("[ids] a: X", 2, ":1\r\n", ":2\r\n"), "");
    }

    #[test]
    fn of_a_pipeline_the_first_differing_reply_is_named() {
        let report = report("a: X", 2, ":1\r\n:2\r\n:3\r\n", ":1\r\n:5\r\n:6\r\n");
        assert!(report.contains("first at reply 2:"), "{report}");
    }

    #[test]
    fn a_listed_difference_must_be_exactly_so_and_must_exist() {
        let script = "a: X\n=>2 \"+two\\r\\n\" reason\n=>3 \"+three\\r\\n\" reason";
        assert_eq!(report(script, 2, ":1\r\n", "+two\r\n"), "");
        assert_eq!(report(script, 3, ":1\r\n", "+three\r\n"), "");
        assert!(report(script, 3, ":1\r\n", "+two\r\n").contains("not as listed"));
        assert!(report(script, 2, ":1\r\n", ":1\r\n").contains("delete it"));
    }

    #[test]
    fn what_only_one_server_answers_is_shown() {
        let step = parse("test", "[blocks] a: X")
            .expect("a script")
            .steps
            .remove(0);
        let end = End::Barrier(b"+B\r\n".to_vec());
        let output = b":1\r\n".to_vec();
        let seen = [("a".to_string(), Observed { output, end })];
        assert!(compare(&step, 2, true, &[], &seen).contains("only other"));
        assert!(compare(&step, 2, true, &seen, &[]).contains("only redis"));
    }

    #[test]
    fn a_step_that_both_servers_leave_unanswered_is_no_success() {
        let step = parse("test", "a: X").expect("a script").steps.remove(0);
        let seen = [(
            "a".to_string(),
            Observed {
                output: Vec::new(),
                end: End::TimedOut,
            },
        )];
        assert!(compare(&step, 2, true, &seen, &seen).contains("neither"));
    }
}
