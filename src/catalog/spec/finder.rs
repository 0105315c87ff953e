//! Finds the keys of commands whose key specifications cannot describe them.
//!
//! Layer `catalog`. It uses nothing else.
//!
//! A finder parses a request as the command does, so that ACL rules about keys apply to the keys
//! that the command uses.

use super::key::{FoundKey, KeyFlags};

/// Finds the keys of a request that satisfies the command's arity.
pub(crate) type Finder = fn(&[&[u8]]) -> Vec<FoundKey>;

/// The key of SET. It is also read if GET is among the options.
pub(crate) fn of_set(request: &[&[u8]]) -> Vec<FoundKey> {
    let options = request.get(3..).unwrap_or_default();
    let gets = options.iter().any(|word| word.eq_ignore_ascii_case(b"get"));
    let flags: KeyFlags = if gets {
        &["RW", "access", "update"]
    } else {
        &["OW", "update"]
    };
    vec![FoundKey { position: 1, flags }]
}

/// The key of BITFIELD. It is only read if all subcommands are GET. If the syntax is wrong, it
/// counts as written, as in Redis.
pub(crate) fn of_bitfield(request: &[&[u8]]) -> Vec<FoundKey> {
    const WRITTEN: KeyFlags = &["RW", "access", "update"];
    let mut flags: KeyFlags = &["RO", "access"];
    let mut rest = request.get(2..).unwrap_or_default();
    while let [name, operands @ ..] = rest {
        let taken = match name.to_ascii_lowercase().as_slice() {
            b"get" => 2,
            b"overflow" => 1,
            _ => operands.len() + 1,
        };
        let Some(after) = operands.get(taken..) else {
            flags = WRITTEN;
            break;
        };
        rest = after;
    }
    vec![FoundKey { position: 1, flags }]
}

/// The key of GEORADIUS, and those after STORE and STOREDIST.
pub(crate) fn of_georadius(request: &[&[u8]]) -> Vec<FoundKey> {
    of_radius_search(request, 6)
}

/// The key of GEORADIUSBYMEMBER, and those after STORE and STOREDIST.
pub(crate) fn of_georadiusbymember(request: &[&[u8]]) -> Vec<FoundKey> {
    of_radius_search(request, 5)
}

/// The last key of STORE and STOREDIST gets the places, but all of them are returned. Options are
/// parsed as the commands do it: a value of another option is not a keyword.
fn of_radius_search(request: &[&[u8]], options: usize) -> Vec<FoundKey> {
    let mut keys = vec![FoundKey {
        position: 1,
        flags: &["RO", "access"],
    }];
    let mut position = options;
    while let Some(word) = request.get(position) {
        position += match word.to_ascii_lowercase().as_slice() {
            b"count" => 2,
            b"store" | b"storedist" if position + 1 < request.len() => {
                keys.push(FoundKey {
                    position: position + 1,
                    flags: &["OW", "update"],
                });
                2
            }
            _ => 1,
        };
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(finder: Finder, request: &str) -> Vec<(usize, &'static str)> {
        let args: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        let keys = finder(&args).into_iter();
        keys.map(|key| (key.position, key.flags[0])).collect()
    }

    #[test]
    fn a_bitfield_is_written_unless_all_is_get() {
        for (request, flag) in [
            ("bitfield k", "RO"),
            ("bitfield k GET u8 0 get u8 1", "RO"),
            ("bitfield k OVERFLOW SAT GET u8 0", "RO"),
            ("bitfield k GET u8 0 SET u8 0 1", "RW"),
            ("bitfield k GET incrby 0 INCRBY u8 0 1", "RW"),
            // These are errors, whatever they mean.
            ("bitfield k GET u8", "RW"),
            ("bitfield k OVERFLOW", "RW"),
            ("bitfield k nosuch", "RW"),
        ] {
            assert_eq!(found(of_bitfield, request), [(1, flag)], "{request}");
        }
    }

    #[test]
    fn places_are_stored_in_the_keys_of_store_and_storedist() {
        let around_point = |request| found(of_georadius, request);
        assert_eq!(around_point("g k 1 2 3 km"), [(1, "RO")]);
        assert_eq!(around_point("g k 1 2 3 km STORE"), [(1, "RO")]);
        assert_eq!(around_point("g k 1 2 3 km store d"), [(1, "RO"), (7, "OW")]);
        assert_eq!(
            around_point("g k 1 2 3 km STORE a WITHDIST STOREDIST b"),
            [(1, "RO"), (7, "OW"), (10, "OW")]
        );
        // A key may have the name of an option, and so may an invalid number.
        assert_eq!(
            around_point("g k 1 2 3 km STORE store STORE b"),
            [(1, "RO"), (7, "OW"), (9, "OW")]
        );
        assert_eq!(around_point("g k 1 2 3 km COUNT store d"), [(1, "RO")]);
        let around_member = found(of_georadiusbymember, "g k store 3 km STORE d");
        assert_eq!(around_member, [(1, "RO"), (6, "OW")]);
    }
}
