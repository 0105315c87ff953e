//! The encoding that Redis would use for a list, which OBJECT ENCODING shows.
//!
//! Layer `store`. It uses nothing else.
//!
//! Redis 7.2 keeps a short list as one `listpack`. The list becomes a `quicklist` when an addition
//! makes it larger than `list-max-listpack-size`, and a listpack again when a removal leaves at
//! most half of that. So a list at the limit does not change back and forth.

use super::value::Size;

/// The sizes in bytes that -1 to -5 stand for.
const SIZES: [usize; 5] = [4096, 8192, 16384, 32768, 65536];
/// The most bytes of a listpack if the limit is a number of elements (Redis: `SIZE_SAFETY_LIMIT`).
const SAFE_SIZE: usize = 8192;

/// The limit of a listpack's size (`list-max-listpack-size`).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    /// At most this many bytes.
    Bytes(usize),
    /// At most this many elements.
    Elements(usize),
}

impl Packing {
    /// The limit that the setting means. As in Redis, 0 is 1, and anything below -5 is -5.
    pub(crate) fn new(setting: i32) -> Packing {
        match usize::try_from(setting) {
            Ok(elements) => Packing::Elements(elements.max(1)),
            Err(_) => {
                let level = setting.unsigned_abs() as usize;
                Packing::Bytes(SIZES[level.min(SIZES.len()) - 1])
            }
        }
    }

    /// Whether a listpack may have this size.
    pub(crate) fn holds(self, size: Size) -> bool {
        match self {
            Packing::Bytes(bytes) => size.bytes <= bytes,
            Packing::Elements(elements) => size.elements <= elements && size.bytes <= SAFE_SIZE,
        }
    }

    /// Whether a list is a quicklist after a change. `was` is whether it was one before.
    pub(crate) fn is_quicklist(self, was: bool, before: Size, after: Size) -> bool {
        let grew = after.bytes > before.bytes || after.elements > before.elements;
        match (was, grew) {
            (false, grew) => grew && !self.holds(after),
            (true, grew) => grew || !self.half().holds(after),
        }
    }

    fn half(self) -> Packing {
        match self {
            Packing::Bytes(bytes) => Packing::Bytes(bytes / 2),
            Packing::Elements(elements) => Packing::Elements(elements / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(bytes: usize, elements: usize) -> Size {
        Size { bytes, elements }
    }

    #[test]
    fn the_setting_is_bytes_or_elements() {
        for (setting, bytes) in [
            (-1, 4096),
            (-2, 8192),
            (-3, 16384),
            (-4, 32768),
            (-5, 65536),
            (-6, 65536),
            (i32::MIN, 65536),
        ] {
            let packing = Packing::new(setting);
            assert!(packing.holds(size(bytes, bytes)), "{setting}");
            assert!(!packing.holds(size(bytes + 1, 1)), "{setting}");
        }
        for (setting, elements) in [(0, 1), (1, 1), (128, 128)] {
            let packing = Packing::new(setting);
            assert!(packing.holds(size(8192, elements)), "{setting}");
            assert!(!packing.holds(size(8193, 1)), "{setting}");
            assert!(!packing.holds(size(100, elements + 1)), "{setting}");
        }
    }

    #[test]
    fn only_additions_make_a_quicklist_and_only_removals_a_listpack() {
        let packing = Packing::new(-2);
        let after = |was, before, after| {
            packing.is_quicklist(was, size(before, before), size(after, after))
        };
        assert!(!after(false, 8000, 8192));
        assert!(after(false, 8192, 8193));
        assert!(!after(false, 9000, 8900), "a removal does not");
        assert!(after(true, 8193, 4097));
        assert!(!after(true, 4097, 4096));
        assert!(after(true, 100, 200), "an addition does not");
        assert!(!Packing::new(3).is_quicklist(true, size(40, 4), size(10, 1)));
        assert!(Packing::new(3).is_quicklist(true, size(40, 4), size(20, 2)));
        assert!(Packing::new(1).is_quicklist(true, size(40, 2), size(10, 1)));
    }
}
