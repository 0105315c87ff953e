//! What a step's modifiers make of an output before it is compared: values that differ by right are taken out.

use super::frame::{Frame, decode};
use super::{rules, stream_view};

/// In texts about denials of either version.
const DENIED: &[u8] = b"ermissions to ";

/// How a step's output is compared. Without any view: byte by byte.
#[derive(Clone, Debug, Default)]
pub struct Lens {
    views: Vec<View>,
    text: Option<TextView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Types, the lengths of aggregates, the keys of maps and the code words of errors.
    Shape,
    /// Every integer is replaced by N.
    Ids,
    /// As Ids, in the output of the other connections: they are told of clients by their ids.
    OtherIds,
    /// Every integer above 0 is replaced by N: a time to live, but not the -1 and -2 of a key without one.
    Positive,
    /// The encodings of lists and sorted sets are "list": up to 7.0 Redis has quicklists only, and its SORT makes a
    /// skiplist of a sorted set.
    Lists,
    /// As `Lists`; and of a set, up to 7.0 without a listpack, "hashtable" may be it as well.
    Encodings,
    /// The time and the address of a monitor's line, and addresses on this machine, are hidden. It holds for the other
    /// connections, too: that is where monitors are.
    Operators,
    /// Every string such as 7.0.15 is replaced by "version".
    Version,
    /// Arrays of strings, the pairs of a map, SCAN's keys, runs of unsubscribe confirmations and runs of pmessages have no order.
    Sorted,
    /// Pushes go behind the replies: Redis up to 7.0 sends a client its own message before PUBLISH's reply.
    RepliesFirst,
    /// The lines of the output as a sorted list: nested maps that Redis keeps in hash order.
    Lines,
    /// That a reply is a HELP reply, which lists HELP itself: subcommands differ, and words are fanfare's own.
    Help,
    /// COMMAND DOCS without its sentences, which are fanfare's own: names, arguments, flags and versions are compared.
    Docs,
    /// COMMAND INFO and DOCS without what Redis 7.2 changed in these commands: their flag `noscript`, tips, that WAIT
    /// blocks, that they are deprecated.
    Newer,
    /// See [`rules`](super::rules::rules): what has no order, and what only Redis has.
    Rules,
    /// ACL LOG without ages and clients.
    Log,
    /// See [`streams`](stream_view::streams): without times, and without what is newer than 7.0.
    Streams,
}

/// Which `name=value` or `name:value` pairs of CLIENT LIST's or INFO's text are compared.
#[derive(Clone, Debug, Default)]
struct TextView {
    /// The set of names, apart from those in `extra`.
    fields: bool,
    extra: Vec<String>,
    /// Names that must be there.
    has: Vec<String>,
    /// Names that must be there with the same value.
    same: Vec<String>,
}

impl Lens {
    /// Adds the modifier `word`, as a script has it between brackets.
    pub fn add(&mut self, word: &str) -> Result<(), String> {
        let (name, values) = word.split_once('=').unwrap_or((word, ""));
        let names = || values.split(',').map(String::from).collect::<Vec<_>>();
        let view = match name {
            "shape" => View::Shape,
            "ids" => View::Ids,
            "other-ids" => View::OtherIds,
            "positive" => View::Positive,
            "lists" => View::Lists,
            "encodings" => View::Encodings,
            "operators" => View::Operators,
            "version" => View::Version,
            "sorted" => View::Sorted,
            "replies-first" => View::RepliesFirst,
            "lines" => View::Lines,
            "help" => View::Help,
            "docs" => View::Docs,
            "newer" => View::Newer,
            "rules" => View::Rules,
            "log" => View::Log,
            "streams" => View::Streams,
            "fields" | "extra" | "has" | "same" => {
                let text = self.text.get_or_insert_default();
                match name {
                    "fields" => text.fields = true,
                    "extra" => text.extra = names(),
                    "has" => text.has = names(),
                    _ => text.same = names(),
                }
                return Ok(());
            }
            _ => return Err(format!("unknown modifier {word:?}")),
        };
        self.views.push(view);
        Ok(())
    }

    /// The part that also holds for the other connections of a step: the order of what arrives there.
    pub fn for_others(&self) -> Self {
        let views = self
            .views
            .iter()
            .copied()
            .filter_map(|view| match view {
                View::Sorted | View::Operators => Some(view),
                View::OtherIds => Some(View::Ids),
                _ => None,
            })
            .collect();
        Self { views, text: None }
    }

    /// `output` as it is compared. What can't be decoded is compared as it is, with a note.
    pub fn look(&self, output: &[u8]) -> Vec<u8> {
        let may_deny = output.windows(DENIED.len()).any(|part| part == DENIED);
        if self.views.is_empty() && self.text.is_none() && !may_deny {
            return output.to_vec();
        }
        let mut frames = match decode(output) {
            Ok(frames) => frames,
            Err(error) => return [b"undecodable: ", error.as_bytes(), b": ", output].concat(),
        };
        frames.iter_mut().for_each(rules::denial);
        if let Some(text) = &self.text {
            frames.iter_mut().for_each(|frame| text.look(frame));
        }
        for view in &self.views {
            frames = view.look(frames);
        }
        let mut seen = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut seen));
        seen
    }
}

impl View {
    fn look(self, mut frames: Vec<Frame>) -> Vec<Frame> {
        match self {
            View::Shape => frames.iter_mut().for_each(shape),
            View::Ids => frames
                .iter_mut()
                .for_each(|frame| each_leaf(frame, &hide_integer)),
            // The acting connection's own are compared.
            View::OtherIds => {}
            View::Positive => frames
                .iter_mut()
                .for_each(|frame| each_leaf(frame, &hide_positive)),
            View::Lists => frames
                .iter_mut()
                .for_each(|frame| each_leaf(frame, &hide_encoding)),
            View::Encodings => frames.iter_mut().for_each(|frame| {
                each_leaf(frame, &hide_table);
                each_leaf(frame, &hide_encoding);
            }),
            View::Operators => frames
                .iter_mut()
                .for_each(|frame| each_leaf(frame, &hide_client)),
            View::Version => frames
                .iter_mut()
                .for_each(|frame| each_leaf(frame, &hide_version)),
            View::Sorted => sort(&mut frames),
            View::RepliesFirst => {
                frames.sort_by_key(|frame| matches!(frame, Frame::Aggregate { tag: b'>', .. }))
            }
            View::Lines => frames = vec![lines(&frames)],
            View::Help => frames.iter_mut().for_each(help),
            View::Docs => frames.iter_mut().for_each(hide_sentences),
            View::Newer => frames.iter_mut().for_each(hide_changes),
            View::Rules => frames.iter_mut().for_each(rules::rules),
            View::Log => frames.iter_mut().for_each(rules::log),
            View::Streams => frames.iter_mut().for_each(stream_view::streams),
        }
        frames
    }
}

fn each_leaf(frame: &mut Frame, change: &dyn Fn(&mut Frame)) {
    match frame {
        Frame::Aggregate { items, .. } => items.iter_mut().for_each(|item| each_leaf(item, change)),
        leaf => change(leaf),
    }
}

fn hide_integer(frame: &mut Frame) {
    if let Frame::Line { tag: b':', text } = frame {
        *text = b"N".to_vec();
    }
}

fn hide_positive(frame: &mut Frame) {
    if matches!(frame, Frame::Line { text, .. } if text != b"0" && !text.starts_with(b"-")) {
        hide_integer(frame);
    }
}

fn hide_encoding(frame: &mut Frame) {
    if let Frame::Blob { bytes, .. } = frame
        && matches!(bytes.as_slice(), b"quicklist" | b"listpack" | b"skiplist")
    {
        *bytes = b"list".to_vec();
    }
}

fn hide_table(frame: &mut Frame) {
    if let Frame::Blob { bytes, .. } = frame
        && bytes == b"hashtable"
    {
        *bytes = b"listpack".to_vec();
    }
}

fn hide_client(frame: &mut Frame) {
    let (Frame::Line { tag: b'+', text } | Frame::Blob { bytes: text, .. }) = frame else {
        return;
    };
    let shown = String::from_utf8_lossy(text);
    if let Some((time, rest)) = shown.split_once(" [")
        && time.parse::<f64>().is_ok()
        && let Some((client, words)) = rest.split_once("] ")
    {
        let db = client.split(' ').next().unwrap_or_default();
        *text = format!("TIME [{db} ADDRESS] {words}").into_bytes();
    } else if shown.starts_with("127.0.0.1:") {
        *text = b"ADDRESS".to_vec();
    }
}

fn hide_version(frame: &mut Frame) {
    if let Frame::Blob { bytes, .. } = frame {
        let parts = bytes.split(|byte| *byte == b'.').collect::<Vec<_>>();
        let number = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if parts.len() == 3 && parts.iter().all(number) {
            *bytes = b"version".to_vec();
        }
    }
}

fn shape(frame: &mut Frame) {
    match frame {
        Frame::Line { tag: b'-', text } => text.truncate(
            text.iter()
                .position(|byte| *byte == b' ')
                .unwrap_or(text.len()),
        ),
        Frame::Line { text, .. } => text.clear(),
        Frame::Blob { bytes, .. } => bytes.clear(),
        Frame::Aggregate { tag: b'%', items } => {
            items.iter_mut().skip(1).step_by(2).for_each(shape)
        }
        Frame::Aggregate { items, .. } => items.iter_mut().for_each(shape),
        Frame::Null { .. } => {}
    }
}

fn help(frame: &mut Frame) {
    if let Frame::Aggregate { items, .. } = frame
        && let [.., help, _] = items.as_slice()
    {
        *items = vec![help.clone()];
    }
}

/// Hides what stands behind these names, and the text of each change in a history. Leaves out `display_text`, which
/// Redis 7.0 does not tell.
fn hide_sentences(frame: &mut Frame) {
    let Frame::Aggregate { items, .. } = frame else {
        return;
    };
    const SENTENCES: [&[u8]; 4] = [b"summary", b"complexity", b"history", b"replaced_by"];
    if let Some(place) = items
        .iter()
        .position(|item| item.string() == Some(b"display_text"))
    {
        items.drain(place..place + 2);
    }
    let mut is_sentence = false;
    for item in items {
        if !is_sentence {
            hide_sentences(item);
        } else if let Frame::Aggregate { items: changes, .. } = item {
            for change in changes {
                if let Frame::Aggregate { items: words, .. } = change {
                    words.iter_mut().skip(1).for_each(hide_sentence);
                }
            }
        } else {
            hide_sentence(item);
        }
        let name = item.string().filter(|_| !is_sentence);
        is_sentence = name.is_some_and(|name| SENTENCES.contains(&name));
    }
}

fn hide_sentence(frame: &mut Frame) {
    if let Frame::Blob { bytes, .. } = frame {
        *bytes = b"a sentence".to_vec();
    }
}

/// See [`View::Newer`].
fn hide_changes(frame: &mut Frame) {
    let Frame::Aggregate { items, .. } = frame else {
        return;
    };
    const DEPRECATION: [&[u8]; 3] = [b"doc_flags", b"deprecated_since", b"replaced_by"];
    let is_said = |item: &Frame| {
        item.string()
            .is_some_and(|name| DEPRECATION.contains(&name))
    };
    while let Some(place) = items.iter().position(is_said) {
        items.drain(place..place + 2);
    }
    if let [name, _, flags, .., categories, tips, _, _] = items.as_mut_slice()
        && let Some(name) = name.string()
    {
        let is_wait = name == b"wait";
        for list in [flags, categories] {
            if let Frame::Aggregate { items, .. } = list {
                items.retain(|item| {
                    let Frame::Line { text, .. } = item else {
                        return true;
                    };
                    let blocks = matches!(text.as_slice(), b"blocking" | b"@blocking");
                    !(text == b"noscript" || is_wait && blocks)
                });
            }
        }
        if let Frame::Aggregate { items, .. } = tips {
            items.clear();
        }
    }
    items.iter_mut().for_each(hide_changes);
}

/// Redis answers and delivers these in the order of a hash table. The counts of confirmations stay where they are.
fn sort(frames: &mut [Frame]) {
    for frame in frames.iter_mut() {
        // SCAN's keys come behind its cursor.
        if let Frame::Aggregate { tag: b'*', items } = frame
            && let [Frame::Blob { .. }, Frame::Aggregate { .. }] = items.as_slice()
        {
            sort(items);
        } else if let Frame::Aggregate { tag: b'%', items } = frame {
            sort_pairs(items);
        } else if let Frame::Aggregate {
            tag: b'*' | b'~',
            items,
        } = frame
            && !matches!(
                items.first().and_then(Frame::string),
                Some(b"message" | b"pmessage" | b"smessage" | b"pong")
            )
            && items.iter().all(|item| item.string().is_some())
        {
            items.sort();
        }
    }
    for chunk in frames.chunk_by_mut(unordered) {
        match chunk.first().map(items) {
            Some([kind, ..]) if kind.string() == Some(b"pmessage") => chunk.sort(),
            _ if chunk.len() > 1 => sort_names(chunk),
            _ => {}
        }
    }
}

fn sort_pairs(items: &mut Vec<Frame>) {
    let mut pairs = items.chunks(2).map(<[Frame]>::to_vec).collect::<Vec<_>>();
    pairs.sort();
    *items = pairs.concat();
}

fn sort_names(confirmations: &mut [Frame]) {
    let mut names = confirmations
        .iter_mut()
        .filter_map(name_of)
        .map(|name| name.clone())
        .collect::<Vec<_>>();
    names.sort();
    for (slot, name) in confirmations.iter_mut().filter_map(name_of).zip(names) {
        *slot = name;
    }
}

fn name_of(confirmation: &mut Frame) -> Option<&mut Frame> {
    match confirmation {
        Frame::Aggregate { items, .. } => items.get_mut(1),
        _ => None,
    }
}

/// Whether two neighbours may as well come the other way round: the pmessages of one publish, two confirmations.
fn unordered(left: &Frame, right: &Frame) -> bool {
    let (left, right) = (items(left), items(right));
    match kind(left) {
        b"" => false,
        b"pmessage" => kind(right) == b"pmessage" && left.get(2..) == right.get(2..),
        confirmation => kind(right) == confirmation,
    }
}

fn items(frame: &Frame) -> &[Frame] {
    match frame {
        Frame::Aggregate { items, .. } => items,
        _ => &[],
    }
}

fn kind(items: &[Frame]) -> &[u8] {
    match items.first().and_then(Frame::string) {
        Some(kind @ (b"pmessage" | b"unsubscribe" | b"punsubscribe" | b"sunsubscribe")) => kind,
        _ => b"",
    }
}

fn lines(frames: &[Frame]) -> Frame {
    let mut wire = Vec::new();
    frames.iter().for_each(|frame| frame.encode(&mut wire));
    let mut lines = wire.split(|byte| *byte == b'\n').collect::<Vec<_>>();
    lines.sort_unstable();
    Frame::Line {
        tag: b'+',
        text: lines.join(&b'\n'),
    }
}

impl TextView {
    fn look(&self, frame: &mut Frame) {
        if let Frame::Blob { bytes, .. } = frame {
            let text = String::from_utf8_lossy(bytes);
            *bytes = records(&text)
                .iter()
                .map(|record| self.record(record) + "\n")
                .collect::<String>()
                .into_bytes();
        }
    }

    fn record(&self, record: &[(&str, &str)]) -> String {
        let mut seen = Vec::new();
        if self.fields {
            let names = record.iter().map(|(name, _)| name.to_string());
            seen.extend(names.filter(|name| !self.extra.contains(name)));
            seen.sort_unstable();
            seen.dedup();
        }
        let value = |name: &String| {
            record
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| *value)
        };
        seen.extend(
            self.has
                .iter()
                .map(|name| format!("has {name}: {}", value(name).is_some())),
        );
        seen.extend(
            self.same
                .iter()
                .map(|name| format!("{name} is {:?}", value(name))),
        );
        seen.join(" ")
    }
}

/// CLIENT LIST has one record a line; INFO is one record, whose headings are skipped.
fn records(text: &str) -> Vec<Vec<(&str, &str)>> {
    let text = text.strip_prefix("txt:").unwrap_or(text);
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    if text
        .find(['=', ':'])
        .is_some_and(|at| text[at..].starts_with('='))
    {
        return lines
            .map(|line| {
                line.split(' ')
                    .filter_map(|pair| pair.split_once('='))
                    .collect()
            })
            .collect();
    }
    vec![lines.filter_map(|line| line.split_once(':')).collect()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(words: &str, output: &str) -> String {
        let mut lens = Lens::default();
        words
            .split_whitespace()
            .for_each(|word| lens.add(word).expect("a modifier"));
        lens.look(output.as_bytes())
            .escape_ascii()
            .to_string()
            .replace("\\r\\n", " ")
            .trim()
            .to_string()
    }

    #[test]
    fn views_hide_what_they_say_and_nothing_else() {
        assert_eq!(seen("ids", ":5\r\n+5\r\n"), ":N +5");
        assert_eq!(
            seen("version", "$6\r\n7.0.15\r\n$3\r\n7.0\r\n"),
            "$7 version $3 7.0"
        );
        assert_eq!(
            seen("shape", "%1\r\n+key\r\n:3\r\n-ERR no\r\n"),
            "%1 +key : -ERR"
        );
        assert_eq!(
            seen("sorted", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
            "*2 $1 a $1 b"
        );
        assert_eq!(
            seen("sorted", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
            "*2 $1 0 *2 $1 a $1 b"
        );
        assert_eq!(
            seen("sorted", "%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n"),
            "%2 +a :2 +b :1"
        );
        assert_eq!(seen("encodings", "$9\r\nhashtable\r\n"), "$4 list");
        assert_eq!(seen("positive", ":5\r\n:0\r\n:-2\r\n"), ":N :0 :-2");
        assert_eq!(seen("lists", "$9\r\nquicklist\r\n"), "$4 list");
        assert_eq!(seen("replies-first", ">1\r\n+x\r\n:1\r\n"), ":1 >1 +x");
        assert_eq!(
            seen(
                "streams",
                "*4\r\n$4\r\nidle\r\n:5\r\n$8\r\ninactive\r\n:6\r\n"
            ),
            "*2 $4 idle :N"
        );
        assert_eq!(
            seen("streams", "*1\r\n*3\r\n$3\r\n1-1\r\n:50\r\n:2\r\n"),
            "*1 *3 $3 1-1 :N :2"
        );
        assert_eq!(seen("help", "*4\r\n+a\r\n+b\r\n+c\r\n+d\r\n"), "*1 +c");
        assert_eq!(
            seen(
                "docs",
                "*2\r\n$4\r\nping\r\n*6\r\n$7\r\nsummary\r\n$1\r\nx\r\n$5\r\nsince\r\n$1\r\n1\r\n\
                 $7\r\nhistory\r\n*1\r\n*2\r\n$1\r\n2\r\n$1\r\ny\r\n"
            ),
            "*2 $4 ping *6 $7 summary $10 a sentence $5 since $1 1 $7 history *1 *2 $1 2 $10 a \
             sentence"
        );
    }

    #[test]
    fn sorting_confirmations_keeps_their_counts() {
        let wire = "*3\r\n+unsubscribe\r\n+b\r\n:1\r\n*3\r\n+unsubscribe\r\n+a\r\n:0\r\n";
        assert_eq!(
            seen("sorted", wire),
            "*3 +unsubscribe +a :1 *3 +unsubscribe +b :0"
        );
    }

    #[test]
    fn text_views_pick_names_and_values() {
        let list = "$25\r\nid=3 name=x\nid=4 name=yy\n\r\n";
        assert_eq!(seen("fields extra=name", list), "$6 id\\nid\\n");
        assert_eq!(
            seen("same=name", list),
            "$37 name is Some(\"x\")\\nname is Some(\"yy\")\\n".replace('"', "\\\"")
        );
        assert_eq!(
            seen("has=role,x", "$20\r\n# A\r\nrole:master\r\n\r\n\r\n"),
            "$28 has role: true has x: false\\n"
        );
    }
}
