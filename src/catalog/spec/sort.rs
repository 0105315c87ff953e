//! Parses the options of SORT.
//!
//! Layer `catalog`. It uses nothing else.
//!
//! SORT itself uses this parser, and so do COMMAND GETKEYS and ACL to find its keys, so that ACL
//! permits exactly what SORT does. The value of an option follows its keyword, whatever the value
//! is: `STORE by STORE b` names two destinations, of which the last one counts. (Redis's GETKEYS
//! reads the value `by` as a keyword, and misses the second destination.)

use super::key::FoundKey;

/// An option of SORT. Numbers are indexes of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOption {
    /// `ASC`
    Ascending,
    /// `DESC`
    Descending,
    /// `ALPHA`
    Alphabetic,
    /// `LIMIT offset count`: the index of the offset. The count follows it.
    Limit(usize),
    /// `BY pattern`
    By(usize),
    /// `GET pattern`
    Get(usize),
    /// `STORE destination`
    Store(usize),
    /// Not an option, or a keyword without its values.
    Wrong,
}

/// The options of a request, in order. After a [`SortOption::Wrong`] the next argument is read as a
/// keyword.
pub(crate) fn options<'a>(request: &'a [&[u8]]) -> impl Iterator<Item = SortOption> + 'a {
    let mut index = 2;
    std::iter::from_fn(move || {
        let keyword = request.get(index)?;
        let value = index + 1;
        let (option, values) = match keyword.to_ascii_lowercase().as_slice() {
            b"asc" => (SortOption::Ascending, 0),
            b"desc" => (SortOption::Descending, 0),
            b"alpha" => (SortOption::Alphabetic, 0),
            b"limit" => (SortOption::Limit(value), 2),
            b"by" => (SortOption::By(value), 1),
            b"get" => (SortOption::Get(value), 1),
            b"store" => (SortOption::Store(value), 1),
            _ => (SortOption::Wrong, 0),
        };
        index = value + values;
        Some(if index > request.len() {
            SortOption::Wrong
        } else {
            option
        })
    })
}

/// The key and the destination of SORT. The keys that BY and GET make from their patterns while the
/// command runs are left out. The command itself makes sure that the user may read all keys.
pub(crate) fn keys(request: &[&[u8]]) -> Vec<FoundKey> {
    let destination = options(request).filter_map(|option| match option {
        SortOption::Store(index) => Some(index),
        _ => None,
    });
    let source = FoundKey {
        position: 1,
        flags: &["RO", "access"],
    };
    let destination = destination.last().map(|position| FoundKey {
        position,
        flags: &["OW", "update"],
    });
    std::iter::once(source).chain(destination).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(request: &str) -> Vec<usize> {
        let args: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        keys(&args).iter().map(|key| key.position).collect()
    }

    #[test]
    fn a_value_is_never_a_keyword() {
        assert_eq!(found("sort a"), [1]);
        assert_eq!(found("sort a STORE by STORE secret"), [1, 5]);
        assert_eq!(found("sort a Store store store b"), [1, 5]);
        assert_eq!(found("sort a BY store GET store LIMIT store store"), [1]);
        assert_eq!(found("sort a LIMIT 0 1 DESC STORE b ALPHA"), [1, 7]);
        assert_eq!(found("sort store"), [1]);
    }

    #[test]
    fn what_lacks_a_value_is_wrong() {
        for request in ["a STORE", "a LIMIT 0", "a BY", "a GET", "a x"] {
            let request = format!("sort {request}");
            let args: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
            let all: Vec<_> = options(&args).collect();
            assert_eq!(all, [SortOption::Wrong], "{request}");
            assert_eq!(found(&request), [1]);
        }
        assert_eq!(found("sort a x STORE b"), [1, 4]);
    }
}
