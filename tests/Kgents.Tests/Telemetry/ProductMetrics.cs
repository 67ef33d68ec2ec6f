using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using Kgents.Api;
using Kgents.Metering;
using Kgents.ServiceDefaults;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Telemetry;

/// <summary>Every metric of Kgents itself, from its code: whatever asks for the factory of meters, in any of the services.</summary>
internal static class ProductMetrics
{
    private static readonly Assembly[] Assemblies = [typeof(KgentsApi).Assembly, typeof(KgentsStreaming).Assembly, typeof(KgentsMetering).Assembly, typeof(NatsTopology).Assembly];

    public static async Task<IReadOnlyList<Instrument>> ReadAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["ConnectionStrings:nats"] = "nats://127.0.0.1:1";
        builder.AddServiceDefaults("kgents-tests");
        builder.AddKgentsApi();
        builder.AddKgentsStreaming();
        builder.AddKgentsMetering();
        await using var app = builder.Build();
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        var found = new ConcurrentDictionary<string, Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, factory) && instrument.Meter.Name.StartsWith("Kgents.", StringComparison.Ordinal))
                {
                    found[instrument.Name] = instrument;
                }
            },
        };
        listener.Start();
        foreach (var type in Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(AsksForMeters))
        {
            app.Services.GetRequiredService(type);
        }

        return [.. found.Values.OrderBy(instrument => instrument.Name, StringComparer.Ordinal)];
    }

    private static bool AsksForMeters(Type type) => type.GetConstructors().Any(constructor => constructor.GetParameters().Any(parameter => parameter.ParameterType == typeof(IMeterFactory)));
}
