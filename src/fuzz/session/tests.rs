//! What libFuzzer is told before it begins: it finds a word in a dictionary much sooner than one that it must
//! invent.

use std::collections::BTreeSet;
use std::fs;

use super::*;

/// The words between the quotation marks of a dictionary, in lower case.
fn words_of(dictionary: &str) -> BTreeSet<String> {
    let entries = dictionary.lines().filter(|line| !line.starts_with('#'));
    let words = entries.flat_map(|line| line.trim_matches('"').split_whitespace());
    words
        .map(|word| word.trim_start_matches('=').to_ascii_lowercase())
        .collect()
}

#[test]
fn the_dictionary_has_all_commands_and_settings() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fuzz/dictionaries/session.dict"
    );
    let known = words_of(&fs::read_to_string(path).expect("the dictionary"));
    let commands = CATALOG.commands_and_subcommands();
    let names = commands.map(|command| command.spec.name);
    let missing: Vec<_> = names
        .chain(SETTINGS.iter().copied())
        .filter(|name| !known.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not in session.dict: {missing:?}");
}
