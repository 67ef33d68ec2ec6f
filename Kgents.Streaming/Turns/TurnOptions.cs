using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Turns;

/// <summary>How a worker runs turns.</summary>
public sealed class TurnOptions : IValidatableObject
{
    public const string SectionName = "Turns";

    /// <summary>Turns that this process runs at once; further ones wait in the queue, or go to another worker.</summary>
    [Range(1, 512)]
    public int Slots { get; set; } = 32;

    /// <summary>Turns of all workers and tenants that may be under way or waiting to be tried again: at least four times all slots.</summary>
    [Range(4, 1_000_000)]
    public int MaxAckPending { get; set; } = 4096;

    /// <summary>Silence of a worker after which another takes its turn; a client waits this long when a worker dies.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:01:00")]
    public TimeSpan AckWait { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Workers that may die over one turn before it ends <c>interrupted</c>.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>Age at which a turn that nobody started ends <c>expired</c>.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00")]
    public TimeSpan MaxQueueAge { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a worker that is told to stop lets its turns go on; then it hands them to another.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Pieces of text that wait while one append is under way; they leave together. When full, the model is read no faster.</summary>
    [Range(1, 1024)]
    public int BufferedPieces { get; set; } = 16;

    /// <summary>How often a turn that goes on tells what it has used so far.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan UsageInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Size of an answer, in bytes of JSON, above which the turn ends <c>reply_too_long</c>. It must stay below NATS' max_payload (1 MiB).</summary>
    [Range(1024, 900 * 1024)]
    public int MaxReplyBytes { get; set; } = 768 * 1024;

    /// <summary>Earlier turns of the session that the model sees.</summary>
    [Range(0, 10_000)]
    public int HistoryTurns { get; set; } = 100;

    /// <summary>Size of the earlier text that the model sees, in tokens by an estimate that is meant to be too high; the oldest turns are left out first.</summary>
    [Range(0, 10_000_000)]
    public int HistoryTokens { get; set; } = 32 * 1024;

    /// <summary>How long the worker of a turn has to answer before it is asked again, and then taken for dead.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:10")]
    public TimeSpan ControlTimeout { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MaxAckPending < 4 * Slots)
        {
            yield return new ValidationResult("Turns:MaxAckPending must be at least four times Turns:Slots, or waiting turns keep others from being delivered.", [nameof(MaxAckPending)]);
        }
    }
}

[OptionsValidator]
internal sealed partial class TurnOptionsValidator : IValidateOptions<TurnOptions>;
