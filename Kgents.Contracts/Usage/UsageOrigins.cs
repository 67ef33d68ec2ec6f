namespace Kgents.Contracts;

/// <summary>Who records usage: a token of its subject, so that the rights of each service end there.</summary>
public static class UsageOrigins
{
    /// <summary>Workers: what the calls of a turn used, and the turn itself.</summary>
    public const string Turns = "turns";

    /// <summary>The API: requests that it answered.</summary>
    public const string Requests = "requests";

    /// <summary>Metering, when an operator says so: what is taken back of an event.</summary>
    public const string Corrections = "corrections";

    /// <summary>Of a subject of <see cref="Subjects.AllUsage"/>: who may have written there.</summary>
    public static string Of(string subject) => subject.Split('.') is [_, _, _, _, var origin, ..] ? origin : "";
}
