//! The configuration file, in the syntax of redis.conf: a line is a setting's name and the words
//! of its value; empty lines and lines that begin with `#` say nothing; `include <path>` reads
//! another file in place, its path relative to the working directory. Of a setting's lines the
//! last one holds, except that `client-output-buffer-limit` sets only the classes it names.

use std::io::{self, Read};
use std::path::Path;

use super::Config;
use super::args::{Problem, UsageError};
use crate::resp::inline::split_words;

/// How deep files may include one another; ends the circle of a file that includes itself.
const MAX_DEPTH: usize = 16;

/// Reads the file at `path`, or all of `stdin` when that is `-`, into `config`.
pub(super) fn read(
    config: &mut Config,
    path: &Path,
    stdin: &mut dyn Read,
) -> Result<(), UsageError> {
    const ASKED_BY: &str = "command line";
    if path.as_os_str() != "-" {
        return read_path(config, path, 1, ASKED_BY);
    }
    let mut content = Vec::new();
    let read = stdin.read_to_end(&mut content);
    read.map_err(|error| unreadable(path, error).at(ASKED_BY))?;
    apply_lines(config, "standard input", &content, 1)
}

/// Reads a file that `origin` named.
fn read_path(
    config: &mut Config,
    path: &Path,
    depth: usize,
    origin: &str,
) -> Result<(), UsageError> {
    if depth > MAX_DEPTH {
        return Err(Problem::IncludeDepth(MAX_DEPTH).at(origin));
    }
    let content = std::fs::read(path).map_err(|error| unreadable(path, error).at(origin))?;
    apply_lines(config, &path.to_string_lossy(), &content, depth)
}

fn apply_lines(
    config: &mut Config,
    file: &str,
    content: &[u8],
    depth: usize,
) -> Result<(), UsageError> {
    for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
        let line = line.trim_ascii();
        if line.starts_with(b"#") {
            continue;
        }
        let origin = format!("{file}:{number}");
        let words = split_words(line).map_err(|quotes| Problem::Quotes(quotes).at(&origin))?;
        let Some((name, values)) = words.split_first() else {
            continue;
        };
        if name.eq_ignore_ascii_case(b"include") {
            let path = match values {
                [path] => str::from_utf8(path).ok(),
                _ => None,
            };
            let path = path.ok_or_else(|| Problem::IncludePath.at(&origin))?;
            read_path(config, Path::new(path), depth + 1, &origin)?;
        } else {
            config
                .apply_from(&origin, &String::from_utf8_lossy(name), values)
                .map_err(|bad| Problem::Setting(bad).at(&origin))?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: io::Error) -> Problem {
    Problem::Unreadable {
        path: path.to_owned(),
        error,
    }
}
