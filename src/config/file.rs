//! The configuration file, in the syntax of redis.conf.
//!
//! Layer `config`. It may use `resp` and the other lowest layers.
//!
//! A line consists of a setting's name and the words of its value. Empty lines and lines that begin
//! with `#` are ignored. If a setting is given several times, the last line applies. There are two
//! exceptions: `client-output-buffer-limit` sets only the classes that it names, and each `user`
//! line defines a user.
//!
//! `include <path>` reads another file in its place. The path is relative to the working directory. A
//! path with `*`, `?` or `[` includes all matching files in the order of their names; there may be
//! none.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::{Problem, Reader};
use crate::resp::inline::split_words;

/// The maximum depth of includes, which ends the recursion of a file that includes itself.
const MAX_DEPTH: usize = 16;

/// Applies the lines of standard input.
pub(super) fn read_stdin(reader: &mut Reader, origin: &str, stdin: &mut dyn Read) {
    let mut content = Vec::new();
    match stdin.read_to_end(&mut content) {
        Ok(_) => apply_lines(reader, "standard input", &content, 1),
        Err(error) => reader.refuse(origin, unreadable(Path::new("-"), error)),
    }
}

/// Applies the lines of a file that was named at `origin`.
pub(super) fn read(reader: &mut Reader, origin: &str, path: &Path) {
    read_at_depth(reader, origin, path, 1);
}

fn read_at_depth(reader: &mut Reader, origin: &str, path: &Path, depth: usize) {
    if depth > MAX_DEPTH {
        reader.give_up(origin, Problem::IncludeDepth(MAX_DEPTH));
        return;
    }
    match std::fs::read(path) {
        Ok(content) => apply_lines(reader, &path.to_string_lossy(), &content, depth),
        Err(error) => reader.refuse(origin, unreadable(path, error)),
    }
}

fn apply_lines(reader: &mut Reader, file: &str, content: &[u8], depth: usize) {
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
        let line = line.trim_ascii();
        if line.starts_with(b"#") || reader.gave_up() {
            continue;
        }
        let origin = format!("{file}:{number}");
        let words = match split_words(line) {
            Ok(words) => words,
            Err(quotes) => {
                reader.refuse(&origin, quotes.into());
                continue;
            }
        };
        let Some((name, values)) = words.split_first() else {
            continue;
        };
        if !name.eq_ignore_ascii_case(b"include") {
            reader.apply(&origin, &String::from_utf8_lossy(name), values);
            continue;
        }
        match included_paths(values) {
            Ok(paths) => {
                for path in paths {
                    read_at_depth(reader, &origin, &path, depth + 1);
                }
            }
            Err(problem) => reader.refuse(&origin, problem),
        }
    }
}

/// The paths of the files that an `include` includes.
fn included_paths(values: &[Vec<u8>]) -> Result<Vec<PathBuf>, Problem> {
    let path = match values {
        [path] => str::from_utf8(path).ok(),
        _ => None,
    };
    let path = path.ok_or(Problem::IncludePath)?;
    if !path.contains(['*', '?', '[']) {
        return Ok(vec![path.into()]);
    }
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(path, options)
        .map_err(|error| unreadable(Path::new(path), io::Error::other(error)))?;
    // As in the shell, a directory that cannot be read matches nothing.
    Ok(found.flatten().collect())
}

fn unreadable(path: &Path, error: io::Error) -> Problem {
    Problem::Unreadable {
        path: path.to_owned(),
        error,
    }
}
