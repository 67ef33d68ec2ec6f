using Kgents.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;

namespace Kgents.Tests.ServiceDefaults;

/// <summary>A span that nobody gathers is only a cost, and each message to NATS would make some.</summary>
public sealed class UngatheredTracesTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("http://127.0.0.1:9", true)]
    public async Task Spans_AreMade_OnlyWhereTheyAreSentSomewhere(string? endpoint, bool areMade)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
        builder.Configuration["ConnectionStrings:nats"] = "nats://127.0.0.1:1";
        builder.AddServiceDefaults("kgents-tests");
        await using var app = builder.Build();

        Assert.Equal(areMade, app.Services.GetService<TracerProvider>() is not null);
    }
}
