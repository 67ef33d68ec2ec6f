using System.Globalization;

namespace Kgents.Metering.Operations;

/// <summary>A command line, understood.</summary>
/// <param name="Hours">How many hours are looked at, with the one that is now.</param>
internal sealed record MeteringArguments(string Noun, string Verb, ulong Sequence, string? Reason, int Partition, int Hours = MeteringArguments.UsualHours, string? Reference = null, IReadOnlyDictionary<string, decimal>? Quantities = null)
{
    public const int UsualHours = 24;
    public const int MostHours = 400 * 24;

    /// <summary>Each command, and what it needs beside its name.</summary>
    private static readonly Dictionary<(string Noun, string Verb), (bool Sequence, bool Reason, bool Reference)> Known = new()
    {
        [("ledger", "show")] = (false, false, false),
        [("ledger", "verify")] = (false, false, false),
        [("ledger", "reconcile")] = (false, false, false),
        [("ledger", "resend")] = (false, true, false),
        [("ledger", "rebuild")] = (false, true, false),
        [("ledger", "reissue")] = (true, true, false),
        [("ledger", "correct")] = (true, true, true),
        [("dead-letters", "list")] = (false, false, false),
        [("dead-letters", "inspect")] = (true, false, false),
        [("dead-letters", "replay")] = (true, true, false),
        [("dead-letters", "discard")] = (true, true, false),
    };

    /// <summary>Null for what is no command, or lacks something.</summary>
    public static MeteringArguments? TryParse(string[] args)
    {
        if (args.Length < 2 || !Known.TryGetValue((args[0], args[1]), out var needs))
        {
            return null;
        }

        var (sequence, partition, hours, reason, reference) = (0UL, 0, UsualHours, (string?)null, (string?)null);
        var quantities = new Dictionary<string, decimal>();
        for (var index = 2; index < args.Length; index++)
        {
            var understood = args[index] switch
            {
                "--reason" when index + 1 < args.Length && !string.IsNullOrWhiteSpace(args[index + 1]) => (reason = args[++index]) is not null,
                "--reference" when index + 1 < args.Length && !string.IsNullOrWhiteSpace(args[index + 1]) => (reference = args[++index]) is not null,
                "--take" when index + 1 < args.Length && args[index + 1].Split('=') is [var field, var text] && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quantity) && quantities.TryAdd(field, quantity) => index++ >= 0,
                "--partition" when index + 1 < args.Length => int.TryParse(args[++index], NumberStyles.None, CultureInfo.InvariantCulture, out partition),
                "--hours" when index + 1 < args.Length => int.TryParse(args[++index], NumberStyles.None, CultureInfo.InvariantCulture, out hours) && hours is > 0 and <= MostHours,
                var number => ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out sequence),
            };
            if (!understood)
            {
                return null;
            }
        }

        return needs.Sequence == sequence > 0 && needs.Reason == reason is not null && needs.Reference == reference is not null && (needs.Reference || quantities.Count == 0)
            ? new MeteringArguments(args[0], args[1], sequence, reason, partition, hours, reference, quantities.Count == 0 ? null : quantities)
            : null;
    }
}
