using System.Diagnostics;
using Kgents.Contracts;

namespace Kgents.Metering.Export;

/// <summary>An event as it goes out.</summary>
internal sealed record ExportedEvent(ulong Sequence, string Subject, string Id, ReadOnlyMemory<byte> Payload)
{
    /// <summary>The span of the turn that used it.</summary>
    public ActivityContext Trace { get; init; }
}

/// <summary>Events of one request. Each is <c>sending</c> in the ledger before it is in a batch.</summary>
internal sealed record ExportBatch(IReadOnlyList<ExportedEvent> Events)
{
    public IReadOnlyList<SequenceRange> Ranges => SequenceRange.Of(Events.Select(each => each.Sequence));

    public (ExportBatch First, ExportBatch Second) Halve()
    {
        var half = Events.Count / 2;
        return (new ExportBatch([.. Events.Take(half)]), new ExportBatch([.. Events.Skip(half)]));
    }

    public ExportBatch Without(int index) => new([.. Events.Where((_, position) => position != index)]);
}
