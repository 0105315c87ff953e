//! How many bytes an allocator really takes for an allocation.
//!
//! Layer `store`. It uses nothing else.
//!
//! mimalloc and jemalloc have the same size classes: multiples of 16 up to 128, then four classes
//! per doubling. Large allocations are whole pages of the system. Figures built on these sizes
//! match the resident memory much better than the requested sizes do. A buffer that grows from
//! class to class wastes nothing.

/// From this size on, an allocation is counted in pages of the system.
const LARGE: usize = 128 * 1024;
const SYSTEM_PAGE: usize = 4096;

/// The bytes that an allocation of `bytes` takes.
pub(crate) fn size_class(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        129..LARGE => {
            // `top` is the largest power of two below `bytes`.
            let top = 1 << (usize::BITS - 1 - (bytes - 1).leading_zeros());
            bytes.next_multiple_of(top / 4)
        }
        _ => bytes.next_multiple_of(SYSTEM_PAGE),
    }
}

/// The bytes that a vector's buffer takes.
pub(crate) fn buffer<T>(capacity: usize) -> usize {
    size_class(capacity * size_of::<T>())
}

/// The capacity to shrink a buffer to, if `capacity` is much larger than what `len` needs. At most
/// a quarter of the buffer is in use then, so the removals so far pay for the copy.
pub(crate) fn shrunk(len: usize, capacity: usize) -> Option<usize> {
    (capacity > 8 && len <= capacity / 4).then_some(len * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_allocators() {
        for (bytes, class) in [
            (0, 0),
            (1, 8),
            (8, 8),
            (9, 16),
            (17, 32),
            (64, 64),
            (65, 80),
            (128, 128),
            (129, 160),
            (161, 192),
            (192, 192),
            (256, 256),
            (257, 320),
            (1025, 1280),
            (200_000, 200_704),
        ] {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
    }
}
