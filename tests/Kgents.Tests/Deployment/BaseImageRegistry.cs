using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>Just enough of a registry to publish on top of: one image with one file, that says of itself what .NET's base images say.</summary>
internal sealed class BaseImageRegistry : IAsyncDisposable
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    private readonly LoopbackServer server;

    private BaseImageRegistry(LoopbackServer server) => this.server = server;

    public string Image => $"{server.Address.Authority.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)}/base:1";

    public static async Task<BaseImageRegistry> StartAsync(CancellationToken cancellationToken)
    {
        var layer = Layer(out var plain);
        var config = Encoding.UTF8.GetBytes(
            $$"""{"architecture":"amd64","os":"linux","config":{"Env":["ASPNETCORE_HTTP_PORTS=8080","APP_UID=1654"]},"rootfs":{"type":"layers","diff_ids":["{{Digest(plain)}}"]},"history":[]}""");
        var manifest = Encoding.UTF8.GetBytes(
            $$"""
            {"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest(config)}}","size":{{config.Length}}},
            "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{Digest(layer)}}","size":{{layer.Length}}}]}
            """);
        var blobs = new[] { layer, config, manifest }.ToDictionary(Digest);
        return new BaseImageRegistry(await LoopbackServer.StartAsync(
            async (context, token) =>
            {
                var path = context.Request.Path.Value!;
                var answer = path.Contains("/manifests/", StringComparison.Ordinal) ? manifest : blobs.GetValueOrDefault(path[(path.LastIndexOf('/') + 1)..], []);
                context.Response.ContentType = answer == manifest ? ManifestType : "application/octet-stream";
                context.Response.ContentLength = answer.Length;
                context.Response.Headers["Docker-Content-Digest"] = Digest(answer);
                if (!Microsoft.AspNetCore.Http.HttpMethods.IsHead(context.Request.Method))
                {
                    await context.Response.Body.WriteAsync(answer, token);
                }
            },
            cancellationToken));
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static byte[] Layer(out byte[] plain)
    {
        using var content = new MemoryStream("NAME=base\n"u8.ToArray());
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "etc/os-release") { DataStream = content });
        }

        plain = archive.ToArray();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(plain);
        }

        return compressed.ToArray();
    }

    private static string Digest(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
