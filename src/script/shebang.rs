//! The first line of a script or library: `#!lua flags=no-writes,allow-stale`.
//!
//! Layer `script`.

use super::errors::ScriptError;

/// What a script says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScriptFlags {
    /// It changes no keys.
    pub no_writes: bool,
    /// It may run while `maxmemory` is exceeded.
    pub allow_oom: bool,
    /// Redis has three more, which change nothing without replicas and cluster. FUNCTION LIST shows
    /// them.
    pub allow_stale: bool,
    /// See [`allow_stale`](Self::allow_stale).
    pub no_cluster: bool,
    /// See [`allow_stale`](Self::allow_stale).
    pub allow_cross_slot_keys: bool,
    /// It has no first line of this kind: it may do what its commands may, as before Redis 7.
    pub is_old_style: bool,
}

impl ScriptFlags {
    /// Sets the flag of this name; `false`: there is none.
    pub(super) fn set(&mut self, name: &[u8]) -> bool {
        let flag = match name {
            b"no-writes" => &mut self.no_writes,
            b"allow-oom" => &mut self.allow_oom,
            b"allow-stale" => &mut self.allow_stale,
            b"no-cluster" => &mut self.no_cluster,
            b"allow-cross-slot-keys" => &mut self.allow_cross_slot_keys,
            _ => return false,
        };
        *flag = true;
        true
    }

    /// The names of the flags, in Redis's order.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.no_writes, "no-writes"),
            (self.allow_oom, "allow-oom"),
            (self.allow_stale, "allow-stale"),
            (self.no_cluster, "no-cluster"),
            (self.allow_cross_slot_keys, "allow-cross-slot-keys"),
        ];
        all.into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| name)
    }
}

/// Splits the first line off a script. What is left begins with the line break, so that lines keep
/// their numbers.
///
/// # Errors
/// The line is none that a script may begin with.
pub(super) fn split(script: &[u8]) -> Result<(ScriptFlags, &[u8]), ScriptError> {
    if !script.starts_with(b"#!") {
        let flags = ScriptFlags {
            is_old_style: true,
            ..ScriptFlags::default()
        };
        return Ok((flags, script));
    }
    let Some(end) = script.iter().position(|&byte| byte == b'\n') else {
        return Err(ScriptError::text("ERR Invalid script shebang"));
    };
    let (line, rest) = script.split_at(end);
    let mut words = words(line);
    let engine = words.next().unwrap_or_default();
    let quoting = |before: &str, word: &[u8]| ScriptError::text([before.as_bytes(), word].concat());
    if engine != b"#!lua" {
        let error = quoting("ERR Unexpected engine in script shebang: ", engine);
        return Err(error);
    }
    let mut flags = ScriptFlags::default();
    for word in words {
        let Some(list) = word.strip_prefix(b"flags=") else {
            return Err(quoting("ERR Unknown lua shebang option: ", word));
        };
        let names = list.split(|&byte| byte == b',');
        for name in names.filter(|name| !name.is_empty()) {
            if !flags.set(name) {
                return Err(quoting("ERR Unexpected flag in script shebang: ", name));
            }
        }
    }
    Ok((flags, rest))
}

/// The words of a first line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| byte.is_ascii_whitespace());
    words.filter(|word| !word.is_empty())
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn error(script: &str) -> String {
        let error = split(script.as_bytes()).unwrap_err();
        String::from_utf8(error.text).unwrap()
    }

    #[test]
    fn flags_are_read_and_lines_keep_their_numbers() {
        let (flags, rest) = split(b"#!lua flags=no-writes,allow-oom\nreturn 1").unwrap();
        assert!(flags.no_writes && flags.allow_oom && !flags.is_old_style);
        let names: Vec<_> = flags.names().collect();
        assert_eq!(names, ["no-writes", "allow-oom"]);
        assert_eq!(rest, b"\nreturn 1");
        let (flags, rest) = split(b"return 1").unwrap();
        assert!(flags.is_old_style);
        assert_eq!(rest, b"return 1");
    }

    #[test]
    fn wrong_first_lines_are_refused() {
        assert_eq!(error("#!lua"), "ERR Invalid script shebang");
        assert_eq!(
            error("#!js\n"),
            "ERR Unexpected engine in script shebang: #!js"
        );
        assert_eq!(error("#!lua x=y\n"), "ERR Unknown lua shebang option: x=y");
        assert_eq!(
            error("#!lua flags=a,b\n"),
            "ERR Unexpected flag in script shebang: a"
        );
    }
}
