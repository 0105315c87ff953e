//! The ACL categories. All of Redis's categories are here, even those that no command of fanfare is
//! in.
//!
//! Layer `catalog`. It uses nothing else.
//!
//! A row states only categories that do not follow from its flags. Redis's rules derive the others
//! from the flags ([`Categories::with_implied`]).

use super::spec::{Flag, Flags};

/// A category, in the order in which Redis shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Redis documents them: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
pub(crate) enum Category {
    Keyspace,
    Read,
    Write,
    Set,
    SortedSet,
    List,
    Hash,
    String,
    Bitmap,
    HyperLogLog,
    Geo,
    Stream,
    PubSub,
    Admin,
    Fast,
    Slow,
    Blocking,
    Dangerous,
    Connection,
    Transaction,
    Scripting,
}

impl Category {
    const ALL: [Category; 21] = [
        Category::Keyspace,
        Category::Read,
        Category::Write,
        Category::Set,
        Category::SortedSet,
        Category::List,
        Category::Hash,
        Category::String,
        Category::Bitmap,
        Category::HyperLogLog,
        Category::Geo,
        Category::Stream,
        Category::PubSub,
        Category::Admin,
        Category::Fast,
        Category::Slow,
        Category::Blocking,
        Category::Dangerous,
        Category::Connection,
        Category::Transaction,
        Category::Scripting,
    ];

    /// All categories, in Redis's order.
    pub(crate) fn all() -> impl Iterator<Item = Category> {
        Category::ALL.into_iter()
    }

    /// The category with this name, without `@`, in any letter case.
    pub(crate) fn named(name: &[u8]) -> Option<Category> {
        Category::all().find(|category| category.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Its name, without `@`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Category::Keyspace => "keyspace",
            Category::Read => "read",
            Category::Write => "write",
            Category::Set => "set",
            Category::SortedSet => "sortedset",
            Category::List => "list",
            Category::Hash => "hash",
            Category::String => "string",
            Category::Bitmap => "bitmap",
            Category::HyperLogLog => "hyperloglog",
            Category::Geo => "geo",
            Category::Stream => "stream",
            Category::PubSub => "pubsub",
            Category::Admin => "admin",
            Category::Fast => "fast",
            Category::Slow => "slow",
            Category::Blocking => "blocking",
            Category::Dangerous => "dangerous",
            Category::Connection => "connection",
            Category::Transaction => "transaction",
            Category::Scripting => "scripting",
        }
    }
}

/// A set of categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Categories(u32);

impl Categories {
    /// A set of these categories.
    pub(crate) const fn of(categories: &[Category]) -> Categories {
        let mut set = Categories(0);
        let mut index = 0;
        while index < categories.len() {
            set = set.with(categories[index]);
            index += 1;
        }
        set
    }

    /// The categories with these names.
    ///
    /// # Panics
    /// One of the names is not a category. Names come from the program's own tables.
    pub(crate) fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Categories {
        names.into_iter().fold(Categories::default(), |all, name| {
            all.with(Category::named(name.as_bytes()).expect("a category of Redis"))
        })
    }

    /// These categories, and those that the command's flags imply. A command that is not fast is
    /// slow.
    pub(crate) fn with_implied(self, flags: Flags) -> Categories {
        use Category::{Admin, Blocking, Dangerous, Fast, PubSub, Read, Scripting, Slow, Write};
        let mut all = self;
        let rules: [(Flag, &[Category]); 6] = [
            (Flag::Write, &[Write]),
            (Flag::ReadOnly, &[Read]),
            (Flag::Admin, &[Admin, Dangerous]),
            (Flag::PubSub, &[PubSub]),
            (Flag::Fast, &[Fast]),
            (Flag::Blocking, &[Blocking]),
        ];
        for (flag, implied) in rules {
            // The flag `readonly` of a command that runs scripts says nothing about what the
            // scripts do.
            let applies = flag != Flag::ReadOnly || !self.contains(Scripting);
            if flags.has(flag) && applies {
                all.0 |= Categories::of(implied).0;
            }
        }
        if all.contains(Fast) {
            all
        } else {
            all.with(Slow)
        }
    }

    /// Whether `category` is among them.
    pub(crate) const fn contains(self, category: Category) -> bool {
        self.0 & 1 << category as u32 != 0
    }

    /// Each category, in Redis's order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Category> {
        Category::all().filter(move |category| self.contains(*category))
    }

    const fn with(self, category: Category) -> Categories {
        Categories(self.0 | 1 << category as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implied(stated: &[Category], flags: &[Flag]) -> Vec<&'static str> {
        let all = Categories::of(stated).with_implied(Flags::of(flags));
        all.iter().map(Category::name).collect()
    }

    #[test]
    fn flags_imply_categories() {
        assert_eq!(implied(&[], &[]), ["slow"]);
        assert_eq!(implied(&[], &[Flag::Fast, Flag::Loading]), ["fast"]);
        assert_eq!(
            implied(&[Category::List], &[Flag::Write, Flag::Blocking]),
            ["write", "list", "slow", "blocking"]
        );
        assert_eq!(
            implied(&[Category::Connection], &[Flag::Admin]),
            ["admin", "slow", "dangerous", "connection"]
        );
        assert_eq!(
            implied(&[Category::Keyspace], &[Flag::ReadOnly, Flag::Fast]),
            ["keyspace", "read", "fast"]
        );
        assert_eq!(implied(&[], &[Flag::PubSub]), ["pubsub", "slow"]);
    }

    #[test]
    fn a_script_that_only_reads_is_not_in_read() {
        assert_eq!(
            implied(&[Category::Scripting], &[Flag::ReadOnly]),
            ["slow", "scripting"]
        );
        assert_eq!(
            implied(&[Category::Scripting], &[Flag::Write]),
            ["write", "slow", "scripting"]
        );
    }

    #[test]
    fn names_are_found_in_any_letter_case() {
        for (place, category) in Category::all().enumerate() {
            assert_eq!(category as usize, place, "{category:?}");
            let upper = category.name().to_ascii_uppercase();
            assert_eq!(Category::named(upper.as_bytes()), Some(category));
        }
        assert_eq!(Category::named(b"@read"), None);
        let both = Categories::named(["geo", "set"]);
        assert_eq!(both, Categories::of(&[Category::Set, Category::Geo]));
    }
}
