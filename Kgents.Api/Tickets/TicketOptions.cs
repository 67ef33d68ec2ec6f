using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Tickets;

/// <summary>How long a browser may open a stream without a key.</summary>
public sealed class TicketOptions
{
    public const string SectionName = "Auth";

    /// <summary>How long a stream ticket opens its turn's stream, resumes included. A stream that is open goes on.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan TicketLifetime { get; set; } = TimeSpan.FromMinutes(5);
}

[OptionsValidator]
internal sealed partial class TicketOptionsValidator : IValidateOptions<TicketOptions>;
