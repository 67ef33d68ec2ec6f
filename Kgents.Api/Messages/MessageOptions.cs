using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Messages;

/// <summary>What a message may be.</summary>
public sealed class MessageOptions
{
    public const string SectionName = "Messages";

    /// <summary>Size of a message's text in bytes of UTF-8 above which it is refused.</summary>
    [Range(1, 128 * 1024)]
    public int MaxBytes { get; set; } = 32 * 1024;

    /// <summary>Messages that may wait in a session behind the turn that is under way; one more is refused.</summary>
    [Range(0, 1000)]
    public int MaxQueued { get; set; } = 10;

    /// <summary>How long a post may wait for the store to say that the message is kept; then it is answered with 503.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan AcceptTimeout { get; set; } = TimeSpan.FromSeconds(10);
}

[OptionsValidator]
internal sealed partial class MessageOptionsValidator : IValidateOptions<MessageOptions>;
