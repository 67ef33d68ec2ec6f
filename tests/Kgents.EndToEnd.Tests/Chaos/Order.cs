namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What an operator asks for at the command line until it is done or refused, and what it was told.</summary>
/// <param name="Verb">Of <c>ledger</c>.</param>
/// <param name="Sequence">0 where it is about no single event.</param>
/// <param name="Reason">Its own.</param>
internal sealed record Order(string Verb, int Partition, ulong Sequence, string Reason)
{
    public const string Rebuild = "rebuild";
    public const string Resend = "resend";
    public const string Reissue = "reissue";

    /// <summary>How often it was begun.</summary>
    public int Tries { get; set; }

    /// <summary>What it was told; null while nobody knows.</summary>
    public bool? IsDone { get; set; }

    public IReadOnlyList<string> Arguments => ["ledger", Verb, .. Sequence > 0 ? new[] { $"{Sequence}" } : [], "--reason", Reason, "--partition", $"{Partition}"];

    /// <summary>So often at least and at most it is in the ledger.</summary>
    public bool IsEntered(int times) => times >= (IsDone is true ? 1 : 0) && times <= Tries - (IsDone is false ? 1 : 0);
}
