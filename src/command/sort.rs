//! SORT and SORT_RO for lists, sets and sorted sets.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   elements ──▶ their weights ──▶ sorted ──▶ LIMIT ──▶ GET ──▶ reply, or STORE
//!                the element,                           the element,
//!                or BY's key                            or other keys
//! ```
//!
//! The order is Redis's: by number, or with ALPHA by bytes. Elements with equal numbers are ordered
//! by their own bytes. Elements that are still equal keep the order of the value. Redis handles
//! patterns and texts as C strings: where a client can see it, a NUL ends them here too.

use std::cmp::Ordering;
use std::ops::Range;

use super::keys::allow_copies;
use super::{Args, Context, access, c_string};
use crate::catalog::spec::sort::{self, SortOption};
use crate::config::EventClass;
use crate::resp::error::CommandError;
use crate::resp::number::parse_double;
use crate::resp::reply::Reply;
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyWriter;
use crate::store::hash_value::Hash;
use crate::store::keys::{Keys, SlotId};
use crate::store::list::{End, List};
use crate::store::set::Set;
use crate::store::sorted_set::SortedSet;
use crate::store::string_value::StringValue;

const DENIED_BY: CommandError =
    CommandError::text("ERR BY option of SORT denied due to insufficient ACL permissions.");
const DENIED_GET: CommandError =
    CommandError::text("ERR GET option of SORT denied due to insufficient ACL permissions.");

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]
/// [STORE destination]`
pub(crate) fn sort(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    sort_elements(context, args, true)
}

/// `SORT_RO key …`: SORT without STORE.
pub(crate) fn sort_ro(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    sort_elements(context, args, false)
}

fn sort_elements(context: &mut Context<'_>, args: &Args<'_>, may_store: bool) -> Result {
    let reads_all_keys = access::reads_all_keys(context, args);
    let mut options = SortOptions::parse(args, may_store, reads_all_keys)?;
    let (mut keys, mut out) = context.keys();
    let slot = keys.lookup_read(&args[1]);
    allow_copies(&keys, slot)?;
    let source = Source::at(&keys, slot)?;
    if matches!(source, Source::Set(_)) && options.is_unsorted && options.store.is_some() {
        // The stored result must not depend on the internal order of a set.
        options.is_unsorted = false;
        options.is_alphabetic = true;
        options.by = None;
    }
    let shown = options.shown(source.len());
    let elements = if options.is_unsorted {
        source.in_own_order(shown, options.is_descending)
    } else {
        let elements = source.elements();
        options.sorted(&mut keys, elements, shown)?
    };
    let Some(destination) = options.store else {
        options.write(&mut keys, &elements, &mut out);
        return Ok(Reply::Sent);
    };
    let stored = options.gather(&mut keys, &elements);
    let length = stored.len();
    if length > 0 {
        keys.put(destination, stored, false);
        keys.notify(EventClass::List, "sortstore", destination);
    } else if let Some(slot) = keys.peek(destination) {
        keys.delete(slot, EventClass::Generic, "del");
    }
    Ok(Reply::Integer(length as i64))
}

type Element = Box<[u8]>;

/// The value to sort.
enum Source<'a> {
    Nothing,
    List(&'a List),
    Set(&'a Set),
    /// Its members are sorted; its scores are not used.
    SortedSet(&'a SortedSet),
}

impl<'a> Source<'a> {
    fn at(keys: &'a Keys<'_>, slot: Option<SlotId>) -> Result<Source<'a>> {
        let Some(slot) = slot else {
            return Ok(Source::Nothing);
        };
        if let Ok(list) = keys.get(slot) {
            return Ok(Source::List(list));
        }
        if let Ok(set) = keys.get(slot) {
            return Ok(Source::Set(set));
        }
        keys.get(slot).map(Source::SortedSet)
    }

    fn len(&self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::List(list) => list.len(),
            Source::Set(set) => set.len(),
            Source::SortedSet(set) => set.len(),
        }
    }

    fn elements(&self) -> Vec<Element> {
        self.in_own_order(0..self.len(), false)
    }

    /// The elements `shown`, in the order of the value. `is_descending` counts them from the end of
    /// a list or sorted set; a set has no order that could be reversed.
    fn in_own_order(&self, shown: Range<usize>, is_descending: bool) -> Vec<Element> {
        let count = shown.len();
        match self {
            Source::Nothing => Vec::new(),
            Source::List(list) if is_descending => {
                let elements = list.range(list.len() - shown.end, count);
                elements.rev().map(Element::from).collect()
            }
            Source::List(list) => list.range(shown.start, count).map(Element::from).collect(),
            Source::Set(set) => {
                let members = set.iter().skip(shown.start).take(count);
                members.map(|member| member.to_vec().into()).collect()
            }
            Source::SortedSet(set) => {
                let ranks = if is_descending {
                    set.len() - shown.end..set.len() - shown.start
                } else {
                    shown
                };
                let members = set.by_rank(ranks, is_descending);
                members.map(|(member, _)| member.into()).collect()
            }
        }
    }
}

/// The sort key of an element.
enum Weight {
    /// A number.
    Number(f64),
    /// The value of another key. `None`, if there is no such key, comes first.
    Text(Option<Vec<u8>>),
    /// The element's own bytes.
    Own,
}

/// The options of SORT.
#[derive(Default)]
struct SortOptions<'a> {
    by: Option<&'a [u8]>,
    /// BY has no `*`: the elements keep the order of the value.
    is_unsorted: bool,
    limit: Option<(i64, i64)>,
    get: Vec<&'a [u8]>,
    is_descending: bool,
    is_alphabetic: bool,
    store: Option<&'a [u8]>,
}

impl<'a> SortOptions<'a> {
    /// Parses the options. BY and GET read keys that the request does not name. They are refused
    /// unless the user may read all keys (`reads_all_keys`).
    fn parse(args: &Args<'a>, may_store: bool, reads_all_keys: bool) -> Result<SortOptions<'a>> {
        let mut options = SortOptions::default();
        let request: Vec<&[u8]> = args.iter().collect();
        for option in sort::options(&request) {
            match option {
                SortOption::Ascending => options.is_descending = false,
                SortOption::Descending => options.is_descending = true,
                SortOption::Alphabetic => options.is_alphabetic = true,
                SortOption::Limit(place) => {
                    let (offset, count) = (&args[place], &args[place + 1]);
                    options.limit = Some((integer_argument(offset)?, integer_argument(count)?));
                }
                SortOption::Store(place) if may_store => options.store = args.get(place),
                SortOption::By(place) => {
                    options.by = args.get(place);
                    if c_string(request[place]).contains(&b'*') {
                        if !reads_all_keys {
                            return Err(DENIED_BY);
                        }
                    } else {
                        // As in Redis, a later BY does not undo it.
                        options.is_unsorted = true;
                    }
                }
                SortOption::Get(place) => {
                    if !reads_all_keys {
                        return Err(DENIED_GET);
                    }
                    options.get.extend(args.get(place));
                }
                SortOption::Store(_) | SortOption::Wrong => return Err(CommandError::SYNTAX),
            }
        }
        Ok(options)
    }

    /// The range of elements that LIMIT selects from `length`.
    fn shown(&self, length: usize) -> Range<usize> {
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(offset).unwrap_or(0).min(length);
        // A negative count means all elements.
        let count = usize::try_from(count).unwrap_or(length);
        start..start.saturating_add(count).min(length)
    }

    fn sorted(
        &self,
        keys: &mut Keys<'_>,
        elements: Vec<Element>,
        shown: Range<usize>,
    ) -> Result<Vec<Element>> {
        // As in Redis, all weights are read before the first error is returned: each look-up counts
        // as a hit or a miss, and may remove an expired key.
        let weigh = |element: Element| (self.weigh(keys, &element), element);
        let weighed: Vec<_> = elements.into_iter().map(weigh).collect();
        let weighed: Option<Vec<_>> = weighed
            .into_iter()
            .map(|(weight, element)| weight.map(|weight| (weight, element)))
            .collect();
        let mut weighed = weighed.ok_or(CommandError::text(
            "ERR One or more scores can't be converted into double",
        ))?;
        weighed.sort_by(|one, other| {
            let order = self.compare(one, other);
            if self.is_descending {
                order.reverse()
            } else {
                order
            }
        });
        let elements = weighed.into_iter().map(|(_, element)| element);
        Ok(elements.skip(shown.start).take(shown.len()).collect())
    }

    /// The weight of an element. `None`: it is not a number, and must be one.
    fn weigh(&self, keys: &mut Keys<'_>, element: &[u8]) -> Option<Weight> {
        Some(match (self.by, self.is_alphabetic) {
            (None, true) => Weight::Own,
            (None, false) => Weight::Number(parse_double(c_string(element))?),
            (Some(by), true) => Weight::Text(lookup_pattern(keys, by, element)),
            (Some(by), false) => Weight::Number(match lookup_pattern(keys, by, element) {
                Some(weight) => parse_double(c_string(&weight))?,
                None => 0.0,
            }),
        })
    }

    fn compare(&self, one: &(Weight, Element), other: &(Weight, Element)) -> Ordering {
        match (&one.0, &other.0) {
            (Weight::Number(one_number), Weight::Number(other_number)) => {
                let order = one_number.partial_cmp(other_number);
                let order = order.unwrap_or(Ordering::Equal);
                order.then_with(|| one.1.cmp(&other.1))
            }
            (Weight::Text(Some(one)), Weight::Text(Some(other))) => self.compare_texts(one, other),
            (Weight::Text(one), Weight::Text(other)) => one.is_some().cmp(&other.is_some()),
            _ => self.compare_texts(&one.1, &other.1),
        }
    }

    /// Compares as Redis does: with C's `strcoll` in the C locale, but whole texts if the result is
    /// stored.
    fn compare_texts(&self, one: &[u8], other: &[u8]) -> Ordering {
        if self.store.is_some() {
            one.cmp(other)
        } else {
            c_string(one).cmp(c_string(other))
        }
    }

    /// Writes the elements, or the values that GET selects.
    fn write(&self, keys: &mut Keys<'_>, elements: &[Element], out: &mut ReplyWriter<'_>) {
        out.array(elements.len() * self.get.len().max(1));
        for element in elements {
            if self.get.is_empty() {
                out.bulk(element);
            }
            for pattern in &self.get {
                match lookup_pattern(keys, pattern, element) {
                    Some(value) => out.bulk(&value),
                    None => out.null(),
                }
            }
        }
    }

    /// As [`write`](Self::write), into a list. A missing value becomes an empty element.
    fn gather(&self, keys: &mut Keys<'_>, elements: &[Element]) -> List {
        let mut list = List::new();
        for element in elements {
            if self.get.is_empty() {
                list.push(End::Tail, element);
            }
            for pattern in &self.get {
                let value = lookup_pattern(keys, pattern, element).unwrap_or_default();
                list.push(End::Tail, &value);
            }
        }
        list
    }
}

/// Looks up the key that `pattern` gives with the element in place of its first `*`. Returns its
/// string, or with `KEY->FIELD` the field of its hash. For `#` it returns the element itself.
fn lookup_pattern(keys: &mut Keys<'_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    let text = c_string(pattern);
    if text == b"#" {
        return Some(element.to_vec());
    }
    let star = text.iter().position(|&byte| byte == b'*')?;
    let after = &text[star + 1..];
    let arrow = after.windows(2).position(|pair| pair == b"->");
    let arrow = arrow.filter(|arrow| arrow + 2 < after.len());
    let end = arrow.map_or(pattern.len(), |arrow| star + 1 + arrow);
    let key = [&pattern[..star], element, &pattern[star + 1..end]].concat();
    let slot = keys.lookup_read(&key)?;
    match arrow {
        None => {
            let text = keys.get::<StringValue>(slot).ok()?;
            Some(text.with_bytes(<[u8]>::to_vec))
        }
        Some(_) => {
            let hash = keys.get::<Hash>(slot).ok()?;
            hash.get(&pattern[end + 2..]).map(<[u8]>::to_vec)
        }
    }
}
