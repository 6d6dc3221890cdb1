//! The binding: the only place that knows Python. It converts arguments and errors, releases the
//! GIL for the whole of every long call, and hands tables over by the Arrow `PyCapsule` interface.

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod allocator;
mod errors;
mod files;
mod policy;
mod read;
mod rows;
mod scan;
mod stream;
mod synth;
mod table;

use pyo3::prelude::*;

/// The native module `yokome._yokome`.
#[pymodule]
mod _yokome {
    #[pymodule_export]
    use super::files::{SourceBytes, exchange};
    #[pymodule_export]
    use super::policy::{Policy, default_policy_toml};
    #[pymodule_export]
    use super::read::{NativeReader, read_paths};
    #[pymodule_export]
    use super::rows::rows;
    #[pymodule_export]
    use super::scan::{NativeResult, mask, scan_paths, scan_stream, state_header};
    #[pymodule_export]
    use super::synth::synth;
    #[pymodule_export]
    use super::table::NativeTableFile;
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        #[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
        super::allocator::begin();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
