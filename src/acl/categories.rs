//! The ACL categories: Redis's, all of them, whether fanfare has commands in them or not.

/// The names, in the order in which Redis shows them; their places are the bits of [`Categories`].
pub(crate) const NAMES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// A set of categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Categories(u32);

impl Categories {
    /// The categories of these names.
    ///
    /// # Panics
    /// If one of them is no category: names come from tables of the program.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Categories {
        let bits = names.into_iter().map(|name| {
            let category = Category::named(name.as_bytes());
            category.expect("a category of Redis").bit()
        });
        Categories(bits.fold(0, |all, bit| all | bit))
    }

    /// Whether `category` is among them.
    pub(crate) fn contains(self, category: Category) -> bool {
        self.0 & category.bit() != 0
    }
}

/// One category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Category(usize);

impl Category {
    /// All categories, in Redis's order.
    pub(crate) fn all() -> impl Iterator<Item = Category> {
        (0..NAMES.len()).map(Category)
    }

    /// The category of this name, without `@`, in any letter case.
    pub(crate) fn named(name: &[u8]) -> Option<Category> {
        let place = NAMES
            .iter()
            .position(|known| known.as_bytes().eq_ignore_ascii_case(name));
        place.map(Category)
    }

    /// Its name, without `@`.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self.0]
    }

    fn bit(self) -> u32 {
        1 << self.0
    }
}
