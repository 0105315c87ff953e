//! The union of several values: PFCOUNT of more than one key, and PFMERGE.
//!
//! Layer `store`. It uses nothing else.

use super::estimate::estimate;
use super::{Encoding, HEADER, HllError, REGISTERS, dense, encoding, sparse};
use super::{make_dense, mark_changed, raise};

/// The union of values: for each register, the largest value.
pub(crate) struct Union {
    runs: Box<[u8; REGISTERS]>,
    any_dense: bool,
}

impl Default for Union {
    fn default() -> Union {
        Union::new()
    }
}

impl Union {
    /// An empty union.
    pub(crate) fn new() -> Union {
        Union {
            runs: Box::new([0; REGISTERS]),
            any_dense: false,
        }
    }

    /// Adds one more value.
    ///
    /// # Errors
    /// The string is not a HyperLogLog value, or it is corrupted. The union must not be used then.
    pub(crate) fn include(&mut self, value: &[u8]) -> Result<(), HllError> {
        match encoding(value)? {
            Encoding::Dense => {
                self.any_dense = true;
                dense::raise_all(&value[HEADER..], &mut self.runs);
                Ok(())
            }
            Encoding::Sparse => sparse::raise_all(&value[HEADER..], &mut self.runs),
        }
    }

    /// The estimate for PFCOUNT. Nothing is cached.
    pub(crate) fn count(&self) -> u64 {
        let mut histogram = [0; 64];
        for &run in self.runs.iter() {
            histogram[usize::from(run)] += 1;
        }
        estimate(&histogram)
    }

    /// The last step of PFMERGE: raises the registers of its destination. The destination is a new
    /// string if the key was missing; otherwise it must have been included. It becomes dense if any
    /// included value was, or as in PFADD. `sparse_max` is `hll-sparse-max-bytes`.
    ///
    /// # Errors
    /// The destination is not a HyperLogLog value, or it is corrupted.
    pub(crate) fn store(
        &self,
        destination: &mut Vec<u8>,
        sparse_max: usize,
    ) -> Result<(), HllError> {
        encoding(destination)?;
        if self.any_dense {
            make_dense(destination)?;
        }
        for (index, &run) in self.runs.iter().enumerate() {
            if run > 0 {
                raise(destination, index, run, sparse_max)?;
            }
        }
        mark_changed(destination);
        Ok(())
    }
}
