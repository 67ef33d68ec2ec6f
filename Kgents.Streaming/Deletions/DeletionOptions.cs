using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Deletions;

/// <summary>How sessions are deleted.</summary>
public sealed class DeletionOptions
{
    public const string SectionName = "Deletions";

    /// <summary>How often a worker looks for sessions to delete: a turn that is under way in one goes on for so long at most.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Time after which a deleted session is purged once more, for what was on its way; longer than a post may wait (<c>Messages:AcceptTimeout</c>).</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan PurgeAgainAfter { get; set; } = TimeSpan.FromMinutes(1);
}

[OptionsValidator]
internal sealed partial class DeletionOptionsValidator : IValidateOptions<DeletionOptions>;
