use std::process::ExitCode;

fn main() -> ExitCode {
    watari::main()
}
