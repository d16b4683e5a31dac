/// Everything that can be done through the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    ReadHealth,
    LogIn,
    LogOut,
    ReadDirectory,
    ReadRevocations,
    RegisterMunicipality,
    RegisterTerminal,
    RevokeTerminal,
    RegisterOperator,
    SuspendOperator,
    /// Who logged in and who registered whom.
    ReadAccessLog,
    PublishKeys,
    RegisterSubject,
    RegisterVaccination,
    WithholdSubject,
    AskTransferIn,
    ReadInquiry,
    ReadProvisions,
    ReadOperationLog,
    ProvideRecords,
    RouteInquiry,
    AppendOutcome,
    ReadOutcomes,
    ReadCheckpoint,
    /// Hold, lift a hold, destroy: the custodians' signatures are in the order itself.
    SubmitOrder,
    /// A witness cosigns a checkpoint of the provision log, or objects to one.
    WitnessLog,
    /// Who received a person's records, with proofs.
    Disclose,
    /// How the room's records and the provision log agree.
    ReadReconciliation,
    /// The check of the operation log for misuse, and its reports.
    InspectOperations,
    /// Lets an operator ask again whom an inspection had stopped.
    ReleaseOperator,
    /// Uploads a file, checks it and looks at its preview; a machine of the municipality may.
    PrepareImport,
    /// A second person lets a checked file into the register, or throws it away.
    ApproveImport,
    /// The desk of doubtful rows.
    ReadQuarantine,
    /// Takes a doubtful row in, corrected or as it is, or drops it.
    DecideQuarantine,
    /// A person's entry and doses with all versions.
    ReadRecords,
    /// A new version of a dose: corrected or withdrawn.
    CorrectVaccination,
    /// Moved out, died.
    FlagSubject,
    /// Takes received doses into the own register.
    AdoptRecords,
    /// Says from when until when the own records are complete.
    StateCompleteness,
    /// Correction notices and released records of other municipalities.
    ReadNotices,
    /// Inquiries about withheld persons that wait for people.
    ReviewHeld,
    /// Lets exactly the bytes shown go; two persons.
    ReleaseHeld,
    /// A room hands the broker a sealed notice for another room.
    RouteNotice,
    /// The broker brings a room a sealed notice.
    ReceiveNotice,
    /// Many inquiries in one file.
    AskBatch,
    /// How a batch stands, and its result file.
    ReadBatch,
    /// Registers and revokes venue devices of the own municipality.
    ManageDevices,
    /// Proposed and done erasures, holds and retention.
    ReadErasures,
    /// Shows what would be erased.
    ProposeErasure,
    /// A second person erases exactly what was shown.
    ApproveErasure,
    /// Keeps something from being erased, or lets it go.
    HoldErasure,
    /// New data keys for the room; old ones are destroyed when nothing needs them.
    RotateKeys,
    /// Ends the municipality's use of the platform; two persons.
    CloseRoom,
    /// Files for the ledger, without individual numbers.
    ExportRecords,
    /// Everything about one person, for that person's request.
    DiscloseAll,
    /// The doses of one person for the municipality's own systems.
    SearchImmunizations,
    /// A venue device hands in a sealed dose.
    SendCapture,
    /// A partition tells intake which devices there are.
    KeepDevices,
    /// A partition takes its sealed doses from intake.
    FetchCaptures,
    /// Done by a partition to its own rooms on schedule: imports, batches, notices, captures, retention; no route leads here.
    RunJobs,
    /// Done by a partition to its own rooms when an answer's time is over; no route leads here.
    ExpireAnswers,
    /// The same check of the operation log on schedule; no route leads here.
    ReviewOperations,
}

impl Action {
    pub const ALL: [Self; 62] = [
        Self::ReadHealth,
        Self::LogIn,
        Self::LogOut,
        Self::ReadDirectory,
        Self::ReadRevocations,
        Self::RegisterMunicipality,
        Self::RegisterTerminal,
        Self::RevokeTerminal,
        Self::RegisterOperator,
        Self::SuspendOperator,
        Self::ReadAccessLog,
        Self::PublishKeys,
        Self::RegisterSubject,
        Self::RegisterVaccination,
        Self::WithholdSubject,
        Self::AskTransferIn,
        Self::ReadInquiry,
        Self::ReadProvisions,
        Self::ReadOperationLog,
        Self::ProvideRecords,
        Self::RouteInquiry,
        Self::AppendOutcome,
        Self::ReadOutcomes,
        Self::ReadCheckpoint,
        Self::SubmitOrder,
        Self::WitnessLog,
        Self::Disclose,
        Self::ReadReconciliation,
        Self::InspectOperations,
        Self::ReleaseOperator,
        Self::PrepareImport,
        Self::ApproveImport,
        Self::ReadQuarantine,
        Self::DecideQuarantine,
        Self::ReadRecords,
        Self::CorrectVaccination,
        Self::FlagSubject,
        Self::AdoptRecords,
        Self::StateCompleteness,
        Self::ReadNotices,
        Self::ReviewHeld,
        Self::ReleaseHeld,
        Self::RouteNotice,
        Self::ReceiveNotice,
        Self::AskBatch,
        Self::ReadBatch,
        Self::ManageDevices,
        Self::ReadErasures,
        Self::ProposeErasure,
        Self::ApproveErasure,
        Self::HoldErasure,
        Self::RotateKeys,
        Self::CloseRoom,
        Self::ExportRecords,
        Self::DiscloseAll,
        Self::SearchImmunizations,
        Self::SendCapture,
        Self::KeepDevices,
        Self::FetchCaptures,
        Self::RunJobs,
        Self::ExpireAnswers,
        Self::ReviewOperations,
    ];
}
