namespace Kgents.Metering.Export;

/// <summary>What a request has done to its events.</summary>
internal enum SendResult
{
    /// <summary>OpenMeter says that it took them.</summary>
    Taken,

    /// <summary>Certainly not taken, and not their fault: the same bytes go again.</summary>
    NotTaken,

    /// <summary>Taken, partly or not at all: it has to be asked.</summary>
    Unknown,

    /// <summary>One of them, or more, will never be taken. None was.</summary>
    Invalid,

    /// <summary>Together they are too large. None was taken.</summary>
    TooLarge,

    /// <summary>The request itself is refused, whatever is in it. None was taken.</summary>
    Misconfigured,
}

/// <param name="Cause">Short, for metrics: a status, or what broke.</param>
/// <param name="Detail">What OpenMeter said, for operators.</param>
/// <param name="BadIndex">The event that is invalid, if it said which.</param>
internal sealed record SendOutcome(SendResult Result, string Cause, string Detail = "", int? BadIndex = null, TimeSpan? RetryAfter = null);
