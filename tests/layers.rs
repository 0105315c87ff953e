//! The architecture, checked: an import points down the list of layers, or stays in its room.
//!
//! The list is the one in `docs/how-it-works.md`. A room is a directory or file of `src`. Rooms of one
//! layer do not import each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the top. `fuzz` is compiled for tests only, and may use everything.
const LAYERS: &[&[&str]] = &[
    &["fuzz"],
    &["embed"],
    &["server"],
    &["http"],
    &["conn"],
    &["command"],
    &["state"],
    &["store", "acl", "observe", "script", "upstream"],
    &["pubsub", "catalog"],
    &["client"],
    &["config"],
    &["resp", "glob", "sync", "hash"],
];

/// Files that belong to no room: the crate's root, and the binary on top of it.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "log.rs"];

fn layer_of(room: &str) -> usize {
    LAYERS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("the room '{room}' is in no layer"))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file without its line comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("//") {
        Some(start) if !line[..start].contains('"') => &line[..start],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that a file names by `crate::room`, or by `crate::{room, ...}`.
fn imported(code: &str) -> BTreeSet<String> {
    let name_at = |text: &str| -> String {
        let is_name = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
        text.chars().take_while(is_name).collect()
    };
    let mut rooms = BTreeSet::new();
    for (start, prefix) in code.match_indices("crate::") {
        let path = &code[start + prefix.len()..];
        let Some(group) = path.strip_prefix('{') else {
            rooms.insert(name_at(path));
            continue;
        };
        let mut depth = 0;
        let mut at_name = true;
        for (place, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_name = true,
                letter if letter.is_whitespace() => {}
                _ if at_name && depth == 0 => {
                    rooms.insert(name_at(&group[place..]));
                    at_name = false;
                }
                _ => {}
            }
        }
    }
    // `crate::Server` and the like are the root's own exports, which stand for `embed`.
    let is_type = |room: &String| room.starts_with(|letter: char| letter.is_ascii_uppercase());
    if rooms.iter().any(is_type) {
        rooms.retain(|room| !is_type(room));
        rooms.insert("embed".to_owned());
    }
    rooms.remove("");
    rooms
}

#[test]
fn imports_point_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    let mut upward = Vec::new();
    for path in sources(&src) {
        let relative = path.strip_prefix(&src).expect("a file of src");
        let first = relative.iter().next().expect("a name");
        let first = first.to_str().expect("a name in UTF-8");
        if ROOTS.contains(&first) {
            continue;
        }
        let room = first.trim_end_matches(".rs");
        seen.insert(room.to_owned());
        let text = fs::read_to_string(&path).expect("a source file");
        for other in imported(&code(&text)) {
            if other != room && layer_of(&other) <= layer_of(room) {
                upward.push(format!("{} imports {other}", relative.display()));
            }
        }
    }
    assert_eq!(
        upward,
        Vec::<String>::new(),
        "arrows that do not point down"
    );
    let listed = LAYERS.iter().flat_map(|rooms| rooms.iter());
    let listed: BTreeSet<String> = listed.map(|&room| room.to_owned()).collect();
    assert_eq!(
        seen, listed,
        "the list of layers and the directories of src"
    );
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    let code =
        code("use crate::{config::{A, B}, conn};\nfn f(x: crate::acl::User) {} // crate::store");
    let found: Vec<String> = imported(&code).into_iter().collect();
    assert_eq!(found, ["acl", "config", "conn"]);
    assert!(layer_of("conn") < layer_of("client"));
}
