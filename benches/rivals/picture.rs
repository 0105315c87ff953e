//! The two pictures of a run, as SVG on white, so that they read the same in light and dark
//! surroundings. 800 pixels wide, which is what GitHub has for them.
//!
//! ```text
//!  Run → ratios: a row for each target, a bar for each server ─┐
//!  Run → growth: a panel for each curve, a line for each server ├→ canvas → SVG
//! ```

mod canvas;
mod growth;
mod ratios;

pub use growth::growth;
pub use ratios::ratios;
