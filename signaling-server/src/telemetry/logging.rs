//! Log lines, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter cannot be read.
    #[error("The log setting cannot be read: {0}. Use a level such as info, or target=level pairs.")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The process logs already.
    #[error("Logging has been set up already in this process.")]
    Taken,
}

/// Sets up the process's logging. A program that hosts the server in its own process keeps its own logging and does
/// not call this.
///
/// # Errors
/// When the filter cannot be read or the process logs already.
pub fn start_logging(config: &Config) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder().parse(&config.log)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let taken = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    taken.map_err(|_| LoggingError::Taken)
}
