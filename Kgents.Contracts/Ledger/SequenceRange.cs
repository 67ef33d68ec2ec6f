namespace Kgents.Contracts;

/// <summary>Sequences of <c>KGENTS_USAGE</c>, both ends included.</summary>
public readonly record struct SequenceRange(ulong From, ulong To)
{
    /// <summary>The fewest ranges that have exactly these sequences, which must be in ascending order.</summary>
    public static IReadOnlyList<SequenceRange> Of(IEnumerable<ulong> sequences)
    {
        var ranges = new List<SequenceRange>();
        foreach (var sequence in sequences)
        {
            if (ranges.Count > 0 && ranges[^1].To + 1 == sequence)
            {
                ranges[^1] = ranges[^1] with { To = sequence };
            }
            else
            {
                ranges.Add(new SequenceRange(sequence, sequence));
            }
        }

        return ranges;
    }

    public static IEnumerable<ulong> All(IEnumerable<SequenceRange> ranges)
    {
        foreach (var range in ranges)
        {
            for (var sequence = range.From; sequence <= range.To; sequence++)
            {
                yield return sequence;
            }
        }
    }
}
