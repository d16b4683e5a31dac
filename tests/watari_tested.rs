//! The executable itself, so that the tests of this package can start it as a process.

fn main() -> std::process::ExitCode {
    watari::main()
}
